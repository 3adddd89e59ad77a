import { expect, onTestFinished, test, vi } from "vitest";
import { createModelQueue } from "./model-queue.ts";

const never = new AbortController().signal;

test("callers beyond the concurrency wait and are admitted first come, first served", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  const release = await queue.acquire("ada", never);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (index) => {
    const releaseNext = await queue.acquire("ada", never);
    order.push(index);
    releaseNext();
  });
  expect(queue.waiting).toBe(3);
  release();
  await Promise.all(waiting);
  expect(order).toEqual([1, 2, 3]);
  expect(queue.running).toBe(0);
});

test("a full queue refuses at once with a time after which to retry", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 0, waitTimeMsMax: 1000 });
  await queue.acquire("ada", never);
  await expect(queue.acquire("ada", never)).rejects.toMatchObject({
    code: "queue_full",
    message: "This model is busy: 1 slots are taken and 0 calls are waiting. Please try again later.",
    retryAfterMs: 1000,
  });
});

test("the time after which to retry grows with the queue, shrinks with the slots, and follows the newest generations", async () => {
  let nowMs = 5000;
  const queue = createModelQueue({ concurrency: 2, waitingMax: 10, waitTimeMsMax: 1000, now: () => nowMs });
  const run = async (heldMs: number) => {
    const release = await queue.acquire("ada", never);
    nowMs += heldMs;
    release();
  };
  const retryAfterMs = () => queue.refuseTimeout().retryAfterMs;
  await run(10_000);
  expect(retryAfterMs()).toBe(5000);
  await run(20_000);
  expect(retryAfterMs()).toBe(6000);
  for (let generation = 0; generation < 50; generation += 1) await run(4000);
  expect(retryAfterMs()).toBeLessThan(2100);
  for (const accountId of ["ada", "bob"]) await queue.acquire(accountId, never);
  for (const accountId of ["ada", "bob", "cy"]) void queue.acquire(accountId, never);
  expect(retryAfterMs()).toBeGreaterThanOrEqual(8000);
  expect(retryAfterMs()).toBeLessThan(8100);
});

test("a caller that got its slot has left neither a timer nor a listener behind", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 250 });
  const release = await queue.acquire("ada", never);
  const { signal } = new AbortController();
  const added = vi.spyOn(signal, "addEventListener");
  const removed = vi.spyOn(signal, "removeEventListener");
  const waiting = queue.acquire("ada", signal);
  release();
  (await waiting)();
  expect(added).toHaveBeenCalled();
  expect(removed.mock.calls.map(([type, listener]) => [type, listener])).toEqual(
    added.mock.calls.map(([type, listener]) => [type, listener]),
  );
  expect(vi.getTimerCount()).toBe(0);
});

test("the time after which to retry follows how long slots were held, within a minute", async () => {
  let nowMs = 0;
  const queue = createModelQueue({ concurrency: 1, waitingMax: 0, waitTimeMsMax: 1000, now: () => nowMs });
  for (const holdTimeMs of [10_000, 10_000_000]) {
    const release = await queue.acquire("ada", never);
    nowMs += holdTimeMs;
    release();
    const held = await queue.acquire("ada", never);
    const refusal: unknown = await queue.acquire("ada", never).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ retryAfterMs: holdTimeMs === 10_000 ? 10_000 : 60_000 });
    held();
    nowMs += 10_000;
  }
});

test("releasing twice gives back one slot", async () => {
  const queue = createModelQueue({ concurrency: 3, waitingMax: 0, waitTimeMsMax: 1000 });
  const first = await queue.acquire("ada", never);
  await queue.acquire("ada", never);
  first();
  first();
  expect(queue.running).toBe(1);
});

test("a caller that waits too long is refused and leaves the queue", async () => {
  vi.useFakeTimers();
  try {
    const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 250 });
    await queue.acquire("ada", never);
    const refusal = expect(queue.acquire("ada", never)).rejects.toMatchObject({
      code: "queue_timeout",
      message: "No slot of this model became free within 250 ms. Please try again later.",
      retryAfterMs: 1000,
    });
    await vi.advanceTimersByTimeAsync(250);
    await refusal;
    expect(queue.waiting).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a caller that aborts leaves the queue and the next one takes its turn", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  const release = await queue.acquire("ada", never);
  const controller = new AbortController();
  const aborted = queue.acquire("ada", controller.signal);
  const stayer = queue.acquire("ada", never);
  controller.abort();
  await expect(aborted).rejects.toMatchObject({ code: "cancelled" });
  release();
  await expect(stayer).resolves.toBeTypeOf("function");
});

test("a signal that was aborted before takes no slot", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  for (const acquire of [queue.acquire, queue.acquireMore]) {
    await expect(acquire("ada", AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  }
  expect(queue.running).toBe(0);
});

test("accounts take turns, however many calls each has waiting", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 10, waitTimeMsMax: 1000 });
  const release = await queue.acquire("greedy", never);
  const order: string[] = [];
  const accounts = ["greedy", "greedy", "greedy", "ada", "bob", "ada"];
  const waiting = accounts.map(async (accountId, index) => {
    const releaseNext = await queue.acquire(accountId, never);
    order.push(`${accountId} ${index}`);
    releaseNext();
  });
  release();
  await Promise.all(waiting);
  expect(order).toEqual(["ada 3", "greedy 0", "bob 4", "ada 5", "greedy 1", "greedy 2"]);
});

test("an account can't fill the queue: a call of an account with fewer calls in it displaces its newest", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 3, waitTimeMsMax: 1000 });
  const release = await queue.acquire("greedy", never);
  const greedy = [1, 2, 3].map(() => queue.acquire("greedy", never));
  await expect(queue.acquire("greedy", never)).rejects.toMatchObject({ code: "queue_full" });
  const ada = queue.acquire("ada", never);
  await expect(greedy[2]).rejects.toMatchObject({ code: "queue_full" });
  // Two against one: another one of ada's would only turn the tables.
  await expect(queue.acquire("ada", never)).rejects.toMatchObject({ code: "queue_full" });
  expect(queue.waiting).toBe(3);
  release();
  for (const slot of [ada, greedy[0], greedy[1]]) (await slot)?.();
  expect({ running: queue.running, waiting: queue.waiting }).toEqual({ running: 0, waiting: 0 });
});

test("an account that would hold every slot leaves one, which another account finds at once", async () => {
  const queue = createModelQueue({ concurrency: 4, waitingMax: 5, waitTimeMsMax: 1000 });
  for (let slot = 0; slot < 3; slot += 1) await queue.acquire("greedy", never);
  void queue.acquire("greedy", never);
  expect({ running: queue.running, waiting: queue.waiting }).toEqual({ running: 3, waiting: 1 });
  await expect(queue.acquire("ada", never)).resolves.toBeTypeOf("function");
  expect(queue.running).toBe(4);
});

test("an account may hold as many slots as the setting says", async () => {
  const queue = createModelQueue({ concurrency: 4, waitingMax: 0, waitTimeMsMax: 1000, accountSlotsMax: 2 });
  await queue.acquire("ada", never);
  await queue.acquire("ada", never);
  await expect(queue.acquire("ada", never)).rejects.toMatchObject({ code: "queue_full" });
  await queue.acquire("bob", never);
});

test("a slot that becomes free goes to the account that holds fewest, and the others are not passed over for ever", async () => {
  const queue = createModelQueue({ concurrency: 3, waitingMax: 10, waitTimeMsMax: 1000, accountSlotsMax: 3 });
  const greedy = [await queue.acquire("greedy", never), await queue.acquire("greedy", never)];
  const bob = await queue.acquire("bob", never);
  const order: string[] = [];
  for (const accountId of ["greedy", "bob", "ada", "ada"]) {
    void queue.acquire(accountId, never).then(() => order.push(accountId));
  }
  const releases = [bob, ...greedy];
  for (const release of releases) {
    release();
    await Promise.resolve();
    await Promise.resolve();
  }
  expect(order).toEqual(["ada", "bob", "greedy"]);
});

test("a running call's next generation comes before its account's new calls, and counts against no limit", async () => {
  vi.useFakeTimers();
  try {
    const queue = createModelQueue({ concurrency: 1, waitingMax: 1, waitTimeMsMax: 250 });
    const release = await queue.acquire("ada", never);
    const order: string[] = [];
    const newCall = queue.acquire("ada", never).then(() => order.push("new call"));
    const more = queue.acquireMore("ada", never);
    const generation = more.then(() => order.push("generation"));
    await vi.advanceTimersByTimeAsync(249);
    expect(queue.waiting).toBe(1);
    release();
    await generation;
    (await more)();
    await newCall;
    expect(order).toEqual(["generation", "new call"]);
    const late = vi.fn();
    void queue.acquireMore("ada", never).then(late, late);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(late).not.toHaveBeenCalled();
  } finally {
    vi.useRealTimers();
  }
});
