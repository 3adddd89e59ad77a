import { expect, test } from "vitest";
import { createModelMemory } from "./model-memory.ts";
import type { MemoryReservation } from "./model-memory.ts";
import { createFakeClock, settled } from "./testing/fake-clock.ts";

const never = new AbortController().signal;
const GRACE_MS = 100;

/** Models that are unloaded as soon as they are evicted and idle. */
function createScenario(bytesMax: number | null) {
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax, graceMs: GRACE_MS, clock });
  const log: string[] = [];
  const load = async (name: string, bytes: number, signal = never) => {
    let isEvicted = false;
    let isUsed = true;
    let reservation: MemoryReservation | null = null;
    const unloadWhenAllowed = () => {
      if (!isEvicted || isUsed) return;
      log.push(`${name} unloaded`);
      reservation?.release();
    };
    const evict = () => {
      log.push(`${name} evicted`);
      isEvicted = true;
      queueMicrotask(unloadWhenAllowed);
    };
    reservation = await memory.reserve({ bytes, evict }, signal);
    log.push(`${name} loaded`);
    reservation.markLoaded();
    return {
      use() {
        isUsed = true;
        reservation.markInUse();
      },
      becomeIdle() {
        isUsed = false;
        reservation.markIdle();
        unloadWhenAllowed();
      },
      release: () => reservation.release(),
    };
  };
  return { clock, memory, log, load };
}

test("without a limit no model is evicted", async () => {
  const { memory, load, log } = createScenario(null);
  for (const name of ["a", "b", "c"]) (await load(name, 1e12)).becomeIdle();
  expect(memory.bytesTaken).toBe(3e12);
  expect(log).toEqual(["a loaded", "b loaded", "c loaded"]);
});

test("what would not fit alone is refused at once", async () => {
  const { load } = createScenario(10);
  await expect(load("a", 11)).rejects.toMatchObject({ name: "ModelTooLargeError", bytes: 11, bytesMax: 10 });
});

test("the least recently used idle models are evicted, as few as are needed", async () => {
  const { clock, load, log } = createScenario(10);
  const [a, b] = [await load("a", 4), await load("b", 4)];
  a.becomeIdle();
  b.becomeIdle();
  a.use();
  a.becomeIdle();
  await clock.advance(GRACE_MS);
  await load("c", 6);
  expect(log).toEqual(["a loaded", "b loaded", "b evicted", "b unloaded", "c loaded"]);
});

test("an idle model is evicted before one that is in use, however long ago that was used", async () => {
  const { clock, load, log } = createScenario(10);
  await load("busy", 5);
  (await load("idle", 5)).becomeIdle();
  await clock.advance(GRACE_MS);
  await load("new", 5);
  expect(log.slice(2)).toEqual(["idle evicted", "idle unloaded", "new loaded"]);
});

test("a model in use is evicted after the grace time, and unloaded after its last call", async () => {
  const { clock, load, log } = createScenario(10);
  const busy = await load("busy", 6);
  const coming = load("new", 6);
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual(["busy loaded"]);
  await clock.advance(1);
  expect(log).toEqual(["busy loaded", "busy evicted"]);
  await clock.advance(10_000);
  busy.becomeIdle();
  await coming;
  expect(log).toEqual(["busy loaded", "busy evicted", "busy unloaded", "new loaded"]);
});

test("a model that just loaded, or was just used, is not evicted within the grace time", async () => {
  const { clock, load, log } = createScenario(10);
  (await load("a", 6)).becomeIdle();
  const coming = load("b", 6);
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual(["a loaded"]);
  await clock.advance(1);
  await coming;
  expect(log).toEqual(["a loaded", "a evicted", "a unloaded", "b loaded"]);
});

test("a loading model is not evicted until it is loaded and the grace time is over", async () => {
  const { clock, memory, load, log } = createScenario(10);
  const evict = () => log.push("loading evicted");
  const reservation = await memory.reserve({ bytes: 6, evict }, never);
  const coming = load("new", 6);
  await clock.advance(50 * GRACE_MS);
  reservation.markLoaded();
  await clock.advance(GRACE_MS - 1);
  expect(log).toEqual([]);
  await clock.advance(1);
  expect(log).toEqual(["loading evicted"]);
  reservation.release();
  await coming;
});

test("a model that is never idle can't keep others out by new calls", async () => {
  const { clock, load, log } = createScenario(10);
  const busy = await load("busy", 6);
  const coming = load("new", 6);
  for (let count = 0; count < 5; count += 1) {
    busy.use();
    await clock.advance(GRACE_MS / 4);
  }
  expect(log.at(-1)).toBe("busy evicted");
  busy.becomeIdle();
  await coming;
  expect(log.at(-1)).toBe("new loaded");
});

test("a small model does not overtake a large one that came first", async () => {
  const { clock, load, log } = createScenario(10);
  const first = await load("first", 6);
  const large = load("large", 9);
  const small = load("small", 1);
  await clock.advance(10 * GRACE_MS);
  expect(log).toEqual(["first loaded", "first evicted"]);
  first.becomeIdle();
  await Promise.all([large, small]);
  expect(log).toEqual(["first loaded", "first evicted", "first unloaded", "large loaded", "small loaded"]);
});

test("a waiter that gives up lets those behind it go on", async () => {
  const { load, log } = createScenario(10);
  await load("first", 6);
  const controller = new AbortController();
  const large = load("large", 9, controller.signal);
  const small = load("small", 1);
  await settled();
  expect(log).toEqual(["first loaded"]);
  controller.abort(new Error("gone"));
  await expect(large).rejects.toThrow("gone");
  await small;
  expect(log).toEqual(["first loaded", "small loaded"]);
});

test("a reservation that is released twice is released once", async () => {
  const { memory, load } = createScenario(10);
  const a = await load("a", 4);
  await load("b", 4);
  a.release();
  a.release();
  a.use();
  a.becomeIdle();
  expect(memory.bytesTaken).toBe(4);
});
