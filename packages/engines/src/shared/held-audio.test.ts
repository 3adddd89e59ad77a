import { AiError } from "@openai-compat/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHeldAudio } from "./held-audio.ts";

const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await Promise.resolve();
  await vi.advanceTimersByTimeAsync(0);
  return (await Promise.race([promise.catch(() => {}), Promise.resolve(pending)])) !== pending;
}

test("a recording is handed out once, and its room is free when it is released", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const id = await held.hold("sea", 10, never);
  expect(held.take(id)).toBe("sea");
  expect(() => held.take(id)).toThrow(AiError);
  const next = held.hold("rain", 1, never);
  expect(await isSettled(next)).toBe(false);
  held.release(id);
  held.release(id);
  expect(held.take(await next)).toBe("rain");
});

test("recordings without room wait in order, the small behind the large", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const first = await held.hold("first", 6, never);
  const large = held.hold("large", 8, never);
  const small = held.hold("small", 1, never);
  expect(await isSettled(small)).toBe(false);
  held.release(first);
  expect(held.take(await large)).toBe("large");
  expect(held.take(await small)).toBe("small");
});

test("a recording beyond the bound waits until it is alone", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const first = await held.hold("first", 1, never);
  const large = held.hold("large", 50, never);
  expect(await isSettled(large)).toBe(false);
  held.release(first);
  expect(held.take(await large)).toBe("large");
});

test("one that waits for too long is refused, one whose call is aborted ends with its reason, and those behind go on", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10, waitMsMax: 1000 });
  await held.hold("first", 5, never);
  const controller = new AbortController();
  const gone = new Error("gone");
  const aborted = held.hold("aborted", 9, controller.signal);
  const small = held.hold("small", 5, never);
  const late = held.hold("late", 5, never);
  const refused = expect(late).rejects.toMatchObject({ code: "queue_timeout" });
  const left = expect(aborted).rejects.toBe(gone);
  controller.abort(gone);
  await left;
  expect(held.take(await small)).toBe("small");
  await vi.advanceTimersByTimeAsync(1000);
  await refused;
});

test("one that nobody takes is dropped after its time, one that was taken is not", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10, holdMsMax: 1000 });
  const dropped = await held.hold("dropped", 5, never);
  const taken = await held.hold("taken", 5, never);
  held.take(taken);
  await vi.advanceTimersByTimeAsync(1000);
  expect(() => held.take(dropped)).toThrow("waited for too long");
  const next = held.hold("next", 6, never);
  expect(await isSettled(next)).toBe(false);
  held.release(taken);
  expect(held.take(await next)).toBe("next");
});
