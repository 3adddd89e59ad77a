import { setImmediate as nextRound } from "node:timers/promises";
import { expect, test } from "vitest";
import { createWorkSlices } from "./work-slices.ts";

const { signal } = new AbortController();

/** A clock that only the test moves. */
function createClock() {
  let nowMs = 0;
  return { now: () => nowMs, pass: (ms: number) => void (nowMs += ms) };
}

test("a slice is over after a few milliseconds of work, and the next one begins when the event loop has had its turn", async () => {
  const { now, pass } = createClock();
  const slices = createWorkSlices({ signal, now });
  pass(4);
  expect(slices.isOver).toBe(false);
  pass(1);
  expect(slices.isOver).toBe(true);
  let isDue = false;
  setImmediate(() => (isDue = true));
  await slices.next();
  expect(isDue).toBe(true);
  expect(slices.isOver).toBe(false);
});

test("slices of several calls take turns, one in each round of the event loop", async () => {
  const order: string[] = [];
  const work = async (name: string) => {
    const slices = createWorkSlices({ signal });
    for (let slice = 0; slice < 3; slice += 1) {
      await slices.next();
      order.push(name);
    }
  };
  const working = Promise.all([work("a"), work("b"), work("c")]);
  const rounds: number[] = [];
  while (order.length < 9) {
    await nextRound();
    rounds.push(order.length);
  }
  await working;
  expect(order).toEqual(["a", "b", "c", "a", "b", "c", "a", "b", "c"]);
  expect(rounds.every((done, round) => done - (rounds[round - 1] ?? 0) <= 1)).toBe(true);
});

test("work whose call was aborted ends at the end of its slice", async () => {
  const controller = new AbortController();
  const slices = createWorkSlices({ signal: controller.signal });
  controller.abort(new Error("gone"));
  await expect(slices.next()).rejects.toThrow("gone");
});
