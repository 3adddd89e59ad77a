import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

const never = new AbortController().signal;

function setUp() {
  const turns = createTurns();
  const order: string[] = [];
  const take = async (name: string, call: object, signal = never) => {
    const end = await turns.take(call, signal);
    order.push(name);
    await Promise.resolve();
    end();
  };
  return { take, order };
}

test("calls take turns, and the requests of one call are served in order", async () => {
  const { take, order } = setUp();
  const [a, b, c] = [{}, {}, {}];
  const first = take("a1", a);
  await Promise.all([
    first,
    ...["a2", "a3", "a4"].map((name) => take(name, a)),
    take("b1", b),
    take("b2", b),
    take("c1", c),
  ]);
  expect(order).toEqual(["a1", "a2", "b1", "c1", "a3", "b2", "a4"]);
});

test("a waiter that aborts gets no turn and blocks no other", async () => {
  const { take, order } = setUp();
  const [a, b] = [{}, {}];
  const controller = new AbortController();
  const first = take("a1", a);
  const gone = take("b1", b, controller.signal);
  const last = take("b2", b);
  controller.abort(new Error("gone"));
  await expect(gone).rejects.toThrow("gone");
  await Promise.all([first, last]);
  await take("a2", a);
  await expect(take("a3", a, AbortSignal.abort(new Error("gone before")))).rejects.toThrow("gone before");
  expect(order).toEqual(["a1", "b2", "a2"]);
});
