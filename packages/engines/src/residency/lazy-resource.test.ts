import { expect, test } from "vitest";
import { createLazyResource } from "./lazy-resource.ts";
import type { LazyResourceOptions, ResourceEvent } from "./lazy-resource.ts";
import { createModelMemory } from "./model-memory.ts";
import type { ModelMemory } from "./model-memory.ts";
import { createFakeClock, settled } from "./testing/fake-clock.ts";

const never = new AbortController().signal;

interface CountedOptions extends Partial<
  Pick<LazyResourceOptions<number>, "idleUnloadMs" | "retryDelayMs" | "retryDelayMsMax" | "waitTimeMsMax">
> {
  readonly failures?: number;
  readonly memory?: ModelMemory;
  readonly loadMs?: number;
  readonly unloadMs?: number;
  readonly unloadFailure?: Error;
}

function describeUnload({ reason, failure }: Extract<ResourceEvent<number>, { type: "unload" }>): string {
  return failure === null ? reason : `${reason}: ${String(failure.thrown)}`;
}

/**
 * Loads the numbers 1, 2, 3; every load and unload is written down when it begins, and when it took time, also when it
 * ends.
 */
function createCounted({ failures = 0, loadMs = 0, unloadMs = 0, unloadFailure, ...settings }: CountedOptions = {}) {
  const clock = createFakeClock();
  const log: string[] = [];
  let loads = 0;
  const wait = async (ms: number, ended: string): Promise<void> => {
    if (ms === 0) return;
    await new Promise<void>((resolve) => clock.after(ms, resolve, "awaited"));
    log.push(ended);
  };
  const memory = settings.memory ?? createModelMemory({ bytesMax: null, clock });
  const resource = createLazyResource<number>({
    reserve: (evict, signal) => memory.reserve({ bytes: 1, evict }, signal),
    waitTimeMsMax: 1000,
    createTimeoutError: (waitedMs) => new Error(`no memory in ${waitedMs}`),
    async load() {
      loads += 1;
      const value = loads;
      log.push(`load ${value}`);
      await wait(loadMs, `loaded ${value}`);
      if (value <= failures) throw new Error(`failure ${value}`);
      return value;
    },
    async unload(value) {
      log.push(`unload ${value}`);
      await wait(unloadMs, `unloaded ${value}`);
      if (unloadFailure !== undefined) throw unloadFailure;
    },
    idleUnloadMs: null,
    retryDelayMs: 1000,
    retryDelayMsMax: 3000,
    createLossError: (reason) => new Error(`lost: ${reason}`),
    explain: (thrown, retryAfterMs) => new Error(`again in ${retryAfterMs}`, { cause: thrown }),
    onEvent: (event) => log.push(event.type === "unload" ? `unload for ${describeUnload(event)}` : event.type),
    clock,
    ...settings,
  });
  return { resource, clock, log };
}

test("20 concurrent first calls share one load", async () => {
  const { resource, log } = createCounted();
  const leases = await Promise.all(Array.from({ length: 20 }, () => resource.acquire(never)));
  expect(new Set(leases.map((lease) => lease.value))).toEqual(new Set([1]));
  expect(log).toEqual(["load 1", "load-end"]);
});

test("a failed load is answered from memory with the time that is left, then tried again", async () => {
  const { resource, clock, log } = createCounted({ failures: 1 });
  const first = resource.acquire(never);
  await expect(first).rejects.toMatchObject({ message: "again in 1000", cause: { message: "failure 1" } });
  await clock.advance(999);
  const second = resource.acquire(never);
  await expect(second).rejects.toMatchObject({ message: "again in 1", cause: { message: "failure 1" } });
  expect(log).toEqual(["load 1", "load-failed"]);
  await clock.advance(1);
  expect((await resource.acquire(never)).value).toBe(2);
});

test("the delay doubles with each failure in a row up to its limit", async () => {
  const { resource, clock } = createCounted({ failures: 5 });
  const delays: string[] = [];
  for (let count = 0; count < 5; count += 1) {
    delays.push(await resource.acquire(never).then(String, (error: Error) => error.message));
    await clock.advance(3000);
  }
  expect(delays).toEqual([1000, 2000, 3000, 3000, 3000].map((delay) => `again in ${delay}`));
});

test("a success begins the delays anew", async () => {
  let isBroken = true;
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax: null, clock });
  const delays: number[] = [];
  const resource = createLazyResource<string>({
    reserve: (evict, signal) => memory.reserve({ bytes: 1, evict }, signal),
    waitTimeMsMax: 1000,
    createTimeoutError: () => new Error("no memory"),
    load: async () => (isBroken ? Promise.reject(new Error("broken")) : "value"),
    unload: async () => {},
    idleUnloadMs: null,
    retryDelayMs: 100,
    retryDelayMsMax: 10_000,
    createLossError: (reason) => new Error(`lost: ${reason}`),
    explain: (thrown) => thrown,
    onEvent: (event) => event.type === "load-failed" && delays.push(event.retryAfterMs),
    clock,
  });
  const tryToLoad = async () => {
    await resource.acquire(never).then(({ release }) => release(), String);
    await clock.advance(10_000);
  };
  await tryToLoad();
  await tryToLoad();
  isBroken = false;
  await tryToLoad();
  await resource.close();
  isBroken = true;
  await tryToLoad();
  expect(delays).toEqual([100, 200, 100]);
});

test("close waits for every lease, then unloads; the next call loads afresh", async () => {
  const { resource, log } = createCounted();
  const lease = await resource.acquire(never);
  const closed = resource.close();
  expect((await resource.acquire(never)).value).toBe(2);
  lease.release();
  await closed;
  expect(log).toEqual(["load 1", "load-end", "load 2", "load-end", "unload 1", "unload for close"]);
});

test("a call that aborts while loading ends at once and holds nothing", async () => {
  const { resource, clock, log } = createCounted({ loadMs: 10 });
  const controller = new AbortController();
  const aborted = resource.acquire(controller.signal);
  await clock.advance(5);
  controller.abort(new Error("gone"));
  await expect(aborted).rejects.toThrow("gone");
  const closed = resource.close();
  await clock.advance(5);
  await closed;
  expect(log).toEqual(["load 1", "loaded 1", "load-end", "unload 1", "unload for close"]);
});

test("closing what was never loaded, or failed to load, does nothing", async () => {
  const { resource, log } = createCounted({ failures: 1 });
  await resource.close();
  await expect(resource.acquire(never)).rejects.toThrow("again");
  await resource.close();
  expect(log).toEqual(["load 1", "load-failed"]);
});

test("a second close waits for what the first one closes", async () => {
  const { resource, log } = createCounted();
  const lease = await resource.acquire(never);
  const closed = resource.close();
  const closedAgain = resource.close().then(() => log.push("closed again"));
  lease.release();
  await Promise.all([closed, closedAgain]);
  expect(log).toEqual(["load 1", "load-end", "unload 1", "unload for close", "closed again"]);
});

test("a lease that is released twice counts as one", async () => {
  const { resource, clock, log } = createCounted({ idleUnloadMs: 100 });
  const [first, second] = await Promise.all([resource.acquire(never), resource.acquire(never)]);
  first.release();
  first.release();
  await clock.advance(1000);
  expect(log).not.toContain("unload 1");
  second.release();
  await clock.advance(100);
  expect(log).toContain("unload 1");
});

test("without a lease for the idle time it is unloaded, and the next call loads it again", async () => {
  const { resource, clock, log } = createCounted({ idleUnloadMs: 100 });
  for (const value of [1, 2]) {
    const lease = await resource.acquire(never);
    await clock.advance(500);
    lease.release();
    await clock.advance(99);
    // A call in between begins the time anew.
    (await resource.acquire(never)).release();
    await clock.advance(99);
    expect(log).not.toContain(`unload ${value}`);
    await clock.advance(1);
    expect(log.slice(-2)).toEqual([`unload ${value}`, "unload for idle"]);
  }
});

test("a load that no call waits for any more becomes idle too", async () => {
  const { resource, clock, log } = createCounted({ idleUnloadMs: 100, loadMs: 10 });
  const controller = new AbortController();
  const aborted = resource.acquire(controller.signal);
  await clock.advance(5);
  controller.abort(new Error("gone"));
  await expect(aborted).rejects.toThrow("gone");
  await clock.advance(105);
  expect(log).toEqual(["load 1", "loaded 1", "load-end", "unload 1", "unload for idle"]);
});

test("a call that comes while it is being unloaded waits for that, then loads", async () => {
  const { resource, clock, log } = createCounted({ idleUnloadMs: 100, unloadMs: 50 });
  (await resource.acquire(never)).release();
  await clock.advance(120);
  const lease = resource.acquire(never);
  await clock.advance(29);
  expect(log).toEqual(["load 1", "load-end", "unload 1"]);
  await clock.advance(1);
  expect((await lease).value).toBe(2);
  expect(log.slice(2)).toEqual(["unload 1", "unloaded 1", "unload for idle", "load 2", "load-end"]);
});

test("close waits for an unload that is under way", async () => {
  const { resource, clock, log } = createCounted({ idleUnloadMs: 100, unloadMs: 50 });
  (await resource.acquire(never)).release();
  await clock.advance(120);
  const closed = resource.close().then(() => log.push("closed"));
  await settled();
  expect(log).not.toContain("closed");
  await clock.advance(30);
  await closed;
  expect(log.slice(-2)).toEqual(["unload for idle", "closed"]);
});

test("a failed unload is reported, releases its memory and does not prevent another load", async () => {
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax: 1, clock });
  const { resource, log } = createCounted({ memory, unloadFailure: new Error("stuck") });
  (await resource.acquire(never)).release();
  await resource.close();
  expect(log.at(-1)).toBe("unload for close: Error: stuck");
  expect(memory.bytesTaken).toBe(0);
  expect((await resource.acquire(never)).value).toBe(2);
});

test("a call that gets no memory in its own time fails; one that came later goes on waiting", async () => {
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax: 1, clock });
  const taken = await memory.reserve({ bytes: 1, evict: () => {} }, never);
  const { resource, log, clock: ownClock } = createCounted({ memory });
  const first = resource.acquire(never);
  const refused = expect(first).rejects.toThrow("no memory in 1000");
  await ownClock.advance(600);
  const second = resource.acquire(never);
  await ownClock.advance(400);
  await refused;
  taken.release();
  expect((await second).value).toBe(1);
  expect(log).toEqual(["load 1", "load-end"]);
});

test("when no call waits for memory any more, nothing is loaded and no failure is remembered", async () => {
  const clock = createFakeClock();
  const memory = createModelMemory({ bytesMax: 1, clock });
  const taken = await memory.reserve({ bytes: 1, evict: () => {} }, never);
  const { resource, log } = createCounted({ memory });
  const controller = new AbortController();
  const aborted = [resource.acquire(controller.signal), resource.acquire(controller.signal)];
  await settled();
  controller.abort(new Error("gone"));
  expect((await Promise.allSettled(aborted)).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  taken.release();
  await settled();
  expect(memory.bytesTaken).toBe(0);
  expect(log).toEqual([]);
  expect((await resource.acquire(never)).value).toBe(1);
});
