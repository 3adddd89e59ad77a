import { expect, test } from "vitest";
import { createModelMemory } from "./model-memory.ts";
import type { Room } from "./model-memory.ts";
import { createFakeClock, settled } from "./testing/fake-clock.ts";

const never = new AbortController().signal;
const GRACE_MS = 100;

/** Models that leave as soon as they are told and rest. */
function createTown(bytesMax: number | null) {
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax, graceMs: GRACE_MS, clock });
  const log: string[] = [];
  const enter = async (name: string, bytes: number, signal = never) => {
    let isWanted = false;
    let isUsed = true;
    let room: Room | null = null;
    const goWhenAllowed = () => {
      if (!isWanted || isUsed) return;
      log.push(`${name} left`);
      room?.free();
    };
    const leave = () => {
      log.push(`${name} was told`);
      isWanted = true;
      queueMicrotask(goWhenAllowed);
    };
    room = await memory.reserve({ bytes, leave }, signal);
    log.push(`${name} came`);
    room.ready();
    return {
      use() {
        isUsed = true;
        room.use();
      },
      rest() {
        isUsed = false;
        room.rest();
        goWhenAllowed();
      },
      free: () => room.free(),
    };
  };
  return { clock, memory, log, enter };
}

test("without a limit nobody leaves", async () => {
  const { memory, enter, log } = createTown(null);
  for (const name of ["a", "b", "c"]) (await enter(name, 1e12)).rest();
  expect(memory.bytesTaken).toBe(3e12);
  expect(log).toEqual(["a came", "b came", "c came"]);
});

test("what would not fit alone is refused at once", async () => {
  const { enter } = createTown(10);
  await expect(enter("a", 11)).rejects.toMatchObject({ name: "ModelTooLargeError", bytes: 11, bytesMax: 10 });
});

test("the least recently used of those that rest leave, as few as are needed", async () => {
  const { clock, enter, log } = createTown(10);
  const [a, b] = [await enter("a", 4), await enter("b", 4)];
  a.rest();
  b.rest();
  a.use();
  a.rest();
  await clock.advance(GRACE_MS);
  await enter("c", 6);
  expect(log).toEqual(["a came", "b came", "b was told", "b left", "c came"]);
});

test("a model that rests leaves before one that is in use, however long ago that was used", async () => {
  const { clock, enter, log } = createTown(10);
  await enter("busy", 5);
  (await enter("resting", 5)).rest();
  await clock.advance(GRACE_MS);
  await enter("new", 5);
  expect(log.slice(2)).toEqual(["resting was told", "resting left", "new came"]);
});

test("a model in use is told after the grace, and leaves after its last call", async () => {
  const { clock, enter, log } = createTown(10);
  const busy = await enter("busy", 6);
  const coming = enter("new", 6);
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual(["busy came"]);
  await clock.advance(1);
  expect(log).toEqual(["busy came", "busy was told"]);
  await clock.advance(10_000);
  busy.rest();
  await coming;
  expect(log).toEqual(["busy came", "busy was told", "busy left", "new came"]);
});

test("a model that just loaded, or was just used, keeps its place for the grace", async () => {
  const { clock, enter, log } = createTown(10);
  (await enter("a", 6)).rest();
  const coming = enter("b", 6);
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual(["a came"]);
  await clock.advance(1);
  await coming;
  expect(log).toEqual(["a came", "a was told", "a left", "b came"]);
});

test("a model that loads is told nothing until it is ready and the grace is over", async () => {
  const { clock, memory, enter, log } = createTown(10);
  const leave = () => log.push("loading was told");
  const room = await memory.reserve({ bytes: 6, leave }, never);
  const coming = enter("new", 6);
  await clock.advance(50 * GRACE_MS);
  room.ready();
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual([]);
  await clock.advance(1);
  expect(log).toEqual(["loading was told"]);
  room.free();
  await coming;
});

test("a model that never rests can't keep others out by new calls", async () => {
  const { clock, enter, log } = createTown(10);
  const busy = await enter("busy", 6);
  const coming = enter("new", 6);
  for (let count = 0; count < 5; count += 1) {
    busy.use();
    await clock.advance(GRACE_MS / 4);
  }
  expect(log.at(-1)).toBe("busy was told");
  busy.rest();
  await coming;
  expect(log.at(-1)).toBe("new came");
});

test("nobody overtakes: a small one waits behind a large one", async () => {
  const { clock, enter, log } = createTown(10);
  const first = await enter("first", 6);
  const large = enter("large", 9);
  const small = enter("small", 1);
  await clock.advance(10 * GRACE_MS);
  expect(log).toEqual(["first came", "first was told"]);
  first.rest();
  await Promise.all([large, small]);
  expect(log).toEqual(["first came", "first was told", "first left", "large came", "small came"]);
});

test("who gives up waiting lets those behind go on", async () => {
  const { enter, log } = createTown(10);
  await enter("first", 6);
  const controller = new AbortController();
  const large = enter("large", 9, controller.signal);
  const small = enter("small", 1);
  await settled();
  expect(log).toEqual(["first came"]);
  controller.abort(new Error("gone"));
  await expect(large).rejects.toThrow("gone");
  await small;
  expect(log).toEqual(["first came", "small came"]);
});

test("room that is given back twice is given back once", async () => {
  const { memory, enter } = createTown(10);
  const a = await enter("a", 4);
  await enter("b", 4);
  a.free();
  a.free();
  a.use();
  a.rest();
  expect(memory.bytesTaken).toBe(4);
});
