import { expect, test } from "vitest";
import { createLazyResource } from "./lazy-resource.ts";

const never = new AbortController().signal;

function createCounted({ failures = 0, retryDelayMs = 1000 } = {}) {
  const clock = { nowMs: 0 };
  const log: string[] = [];
  let loads = 0;
  const resource = createLazyResource({
    retryDelayMs,
    now: () => clock.nowMs,
    async load() {
      loads += 1;
      log.push(`load ${loads}`);
      await Promise.resolve();
      if (loads <= failures) throw new Error(`failure ${loads}`);
      return loads;
    },
    async unload(value) {
      log.push(`unload ${value}`);
    },
  });
  return { resource, clock, log };
}

test("concurrent first calls share one load", async () => {
  const { resource, log } = createCounted();
  const leases = await Promise.all([1, 2, 3].map(async () => resource.acquire(never)));
  expect(leases.map((lease) => lease.value)).toEqual([1, 1, 1]);
  expect(log).toEqual(["load 1"]);
});

test("a failed load is answered from memory until the delay is over, then tried again", async () => {
  const { resource, clock, log } = createCounted({ failures: 1 });
  await expect(resource.acquire(never)).rejects.toThrow("failure 1");
  clock.nowMs = 999;
  await expect(resource.acquire(never)).rejects.toThrow("failure 1");
  expect(log).toEqual(["load 1"]);
  clock.nowMs = 1000;
  expect((await resource.acquire(never)).value).toBe(2);
});

test("close waits for every lease, then unloads; the next call loads afresh", async () => {
  const { resource, log } = createCounted();
  const lease = await resource.acquire(never);
  const closed = resource.close();
  expect((await resource.acquire(never)).value).toBe(2);
  expect(log).toEqual(["load 1", "load 2"]);
  lease.release();
  await closed;
  expect(log).toEqual(["load 1", "load 2", "unload 1"]);
});

test("who aborts while loading leaves at once and holds nothing", async () => {
  const { resource, log } = createCounted();
  const controller = new AbortController();
  const left = resource.acquire(controller.signal);
  controller.abort(new Error("gone"));
  await expect(left).rejects.toThrow("gone");
  await resource.close();
  expect(log).toEqual(["load 1", "unload 1"]);
});

test("closing what was never loaded, or failed to load, does nothing", async () => {
  const { resource, log } = createCounted({ failures: 1 });
  await resource.close();
  await expect(resource.acquire(never)).rejects.toThrow("failure 1");
  await resource.close();
  expect(log).toEqual(["load 1"]);
});

test("a second close waits for what the first one closes", async () => {
  const { resource, log } = createCounted();
  const lease = await resource.acquire(never);
  const closed = resource.close();
  const closedAgain = resource.close().then(() => log.push("closed again"));
  lease.release();
  await Promise.all([closed, closedAgain]);
  expect(log).toEqual(["load 1", "unload 1", "closed again"]);
});
