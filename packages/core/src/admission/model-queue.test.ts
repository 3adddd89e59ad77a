import { expect, test, vi } from "vitest";
import { createModelQueue } from "./model-queue.ts";

const never = new AbortController().signal;

test("callers beyond the concurrency wait and are admitted first come, first served", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  const release = await queue.acquire(never);
  const order: number[] = [];
  const waiting = [1, 2, 3].map(async (index) => {
    const releaseNext = await queue.acquire(never);
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
  await queue.acquire(never);
  await expect(queue.acquire(never)).rejects.toMatchObject({ code: "queue_full", retryAfterMs: 1000 });
});

test("the time after which to retry follows how long places were held, within a minute", async () => {
  let nowMs = 0;
  const queue = createModelQueue({ concurrency: 1, waitingMax: 0, waitTimeMsMax: 1000, now: () => nowMs });
  for (const holdTimeMs of [10_000, 10_000_000]) {
    const release = await queue.acquire(never);
    nowMs += holdTimeMs;
    release();
    const held = await queue.acquire(never);
    const refusal: unknown = await queue.acquire(never).catch((error: unknown) => error);
    expect(refusal).toMatchObject({ retryAfterMs: holdTimeMs === 10_000 ? 10_000 : 60_000 });
    held();
    nowMs += 10_000;
  }
});

test("releasing twice gives back one place", async () => {
  const queue = createModelQueue({ concurrency: 2, waitingMax: 0, waitTimeMsMax: 1000 });
  const first = await queue.acquire(never);
  await queue.acquire(never);
  first();
  first();
  expect(queue.running).toBe(1);
});

test("a caller that waits too long is told so and leaves the line", async () => {
  vi.useFakeTimers();
  try {
    const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 250 });
    await queue.acquire(never);
    const refusal = expect(queue.acquire(never)).rejects.toMatchObject({ code: "queue_timeout" });
    await vi.advanceTimersByTimeAsync(250);
    await refusal;
    expect(queue.waiting).toBe(0);
  } finally {
    vi.useRealTimers();
  }
});

test("a caller that aborts leaves the line and the next one takes its turn", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  const release = await queue.acquire(never);
  const controller = new AbortController();
  const leaver = queue.acquire(controller.signal);
  const stayer = queue.acquire(never);
  controller.abort();
  await expect(leaver).rejects.toMatchObject({ code: "cancelled" });
  release();
  await expect(stayer).resolves.toBeTypeOf("function");
});

test("a signal that was aborted before takes no place", async () => {
  const queue = createModelQueue({ concurrency: 1, waitingMax: 5, waitTimeMsMax: 1000 });
  await expect(queue.acquire(AbortSignal.abort())).rejects.toMatchObject({ name: "AbortError" });
  expect(queue.running).toBe(0);
});
