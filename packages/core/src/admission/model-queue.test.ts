import { expect, test, vi } from "vitest";
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

test("a full line refuses at once with a time after which to retry", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 0, waitTimeMsMax: 1000 });
  await queue.acquire("ada", never);
  await expect(queue.acquire("ada", never)).rejects.toMatchObject({ code: "queue_full", retryAfterMs: 1000 });
});

test("the time after which to retry follows how long places were held, within a minute", async () => {
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

test("releasing twice gives back one place", async () => {
  const queue = createModelQueue({ concurrency: 2, waitingMax: 0, waitTimeMsMax: 1000 });
  const first = await queue.acquire("ada", never);
  await queue.acquire("ada", never);
  first();
  first();
  expect(queue.running).toBe(1);
});

test("a caller that waits too long is told so and leaves the line", async () => {
  vi.useFakeTimers();
  try {
    const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 250 });
    await queue.acquire("ada", never);
    const refusal = expect(queue.acquire("ada", never)).rejects.toMatchObject({ code: "queue_timeout" });
    await vi.advanceTimersByTimeAsync(250);
    await refusal;
    expect(queue.waiting).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a caller that aborts leaves the line and the next one takes its turn", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  const release = await queue.acquire("ada", never);
  const controller = new AbortController();
  const leaver = queue.acquire("ada", controller.signal);
  const stayer = queue.acquire("ada", never);
  controller.abort();
  await expect(leaver).rejects.toMatchObject({ code: "cancelled" });
  release();
  await expect(stayer).resolves.toBeTypeOf("function");
});

test("a signal that was aborted before takes no place", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  await expect(queue.acquire("ada", AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  expect(queue.running).toBe(0);
});

test("accounts take turns, whatever the length of their lines", async () => {
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
  expect(order).toEqual(["greedy 0", "ada 3", "bob 4", "greedy 1", "ada 5", "greedy 2"]);
});

test("an account can't fill the line: who has fewer calls in it takes the place of its newest", async () => {
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
  for (const place of [greedy[0], ada, greedy[1]]) (await place)?.();
  expect({ running: queue.running, waiting: queue.waiting }).toEqual({ running: 0, waiting: 0 });
});
