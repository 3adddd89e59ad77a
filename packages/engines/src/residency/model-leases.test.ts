import { expect, test } from "vitest";
import { createModelLeases } from "./model-leases.ts";

function setUp() {
  const log: string[] = [];
  let count = 0;
  const leases = createModelLeases({
    async acquire(signal) {
      signal.throwIfAborted();
      const value = (count += 1);
      log.push(`${value} taken`);
      return { value, release: () => void log.push(`${value} free`) };
    },
  });
  return { leases, log };
}

const never = new AbortController().signal;

test("all that is acquired with a lease is what it holds, and stays until the last of it is released", async () => {
  const { leases, log } = setUp();
  const { leaseId } = await leases.take(never);
  const [first, second] = [await leases.acquire(leaseId, never), await leases.acquire(leaseId, never)];
  expect([first.value, second.value, first.call === second.call]).toEqual([1, 1, true]);
  leases.release(leaseId);
  first.release();
  first.release();
  expect(log).toEqual(["1 taken"]);
  second.release();
  expect(log).toEqual(["1 taken", "1 free"]);
});

test("without a lease, with one that has ended, or with one that never was, each takes for itself", async () => {
  const { leases, log } = setUp();
  const { leaseId } = await leases.take(never);
  leases.release(leaseId);
  leases.release(leaseId);
  const calls = new Set<object>();
  for (const id of [null, leaseId, "never was"]) {
    const { call, release } = await leases.acquire(id, never);
    calls.add(call);
    release();
  }
  expect(calls.size).toBe(3);
  expect(log).toEqual(["1 taken", "1 free", "2 taken", "2 free", "3 taken", "3 free", "4 taken", "4 free"]);
});

test("a lease ends with an abort of its call or with the close, and never twice", async () => {
  const { leases, log } = setUp();
  const call = new AbortController();
  const aborted = await leases.take(call.signal);
  await leases.take(never);
  call.abort();
  leases.release(aborted.leaseId);
  expect(log).toEqual(["1 taken", "2 taken", "1 free"]);
  leases.close();
  leases.close();
  expect(log).toEqual(["1 taken", "2 taken", "1 free", "2 free"]);
});

test("a call that died while it waited for the model keeps nothing", async () => {
  const log: string[] = [];
  const call = new AbortController();
  const leases = createModelLeases({
    async acquire() {
      call.abort(new Error("gone"));
      return { value: 1, release: () => void log.push("free") };
    },
  });
  await expect(leases.take(call.signal)).rejects.toThrow("gone");
  expect(log).toEqual(["free"]);
});

test("a thousand calls that die leave no lease behind", async () => {
  const { leases, log } = setUp();
  for (let index = 0; index < 1000; index += 1) {
    const call = new AbortController();
    await leases.take(call.signal);
    call.abort();
  }
  expect(log.filter((line) => line.endsWith("free"))).toHaveLength(1000);
});
