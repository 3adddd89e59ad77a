import { AiError } from "@openai-compat/core";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHeldAudio } from "./held-audio.ts";
import type { HeldAudio } from "./held-audio.ts";

const never = new AbortController().signal;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A recording that is decoded at once. */
async function hold<Audio extends {}>(
  held: HeldAudio<Audio>,
  { audio, bytes, signal = never }: { readonly audio: Audio; readonly bytes: number; readonly signal?: AbortSignal },
): Promise<string> {
  const open = held.open();
  await open.grow(bytes, signal);
  return open.hold(audio);
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let hasSettled = false;
  const settle = () => {
    hasSettled = true;
  };
  promise.then(settle, settle);
  await vi.advanceTimersByTimeAsync(0);
  return hasSettled;
}

test("a recording is handed out once, and its room is free when it is released", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const id = await hold(held, { audio: "sea", bytes: 10 });
  expect(held.take(id)).toBe("sea");
  expect(() => held.take(id)).toThrow(AiError);
  const next = hold(held, { audio: "rain", bytes: 1 });
  expect(await isSettled(next)).toBe(false);
  held.release(id);
  held.release(id);
  expect(held.take(await next)).toBe("rain");
});

test("recordings without room wait in order, the small behind the large", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const first = await hold(held, { audio: "first", bytes: 6 });
  const large = hold(held, { audio: "large", bytes: 8 });
  const small = hold(held, { audio: "small", bytes: 1 });
  expect(await isSettled(small)).toBe(false);
  held.release(first);
  expect(held.take(await large)).toBe("large");
  expect(held.take(await small)).toBe("small");
});

test("a recording beyond the bound waits until it is alone", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const first = await hold(held, { audio: "first", bytes: 1 });
  const large = hold(held, { audio: "large", bytes: 50 });
  expect(await isSettled(large)).toBe(false);
  held.release(first);
  expect(held.take(await large)).toBe("large");
});

test("one that waits for too long is refused, one whose call is aborted ends with its reason, and those behind go on", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10, waitMsMax: 1000 });
  await hold(held, { audio: "first", bytes: 5 });
  const controller = new AbortController();
  const gone = new Error("gone");
  const aborted = hold(held, { audio: "aborted", bytes: 9, signal: controller.signal });
  const small = hold(held, { audio: "small", bytes: 5 });
  const late = hold(held, { audio: "late", bytes: 5 });
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
  const dropped = await hold(held, { audio: "dropped", bytes: 5 });
  const taken = await hold(held, { audio: "taken", bytes: 5 });
  held.take(taken);
  await vi.advanceTimersByTimeAsync(1000);
  expect(() => held.take(dropped)).toThrow("waited for too long");
  const next = hold(held, { audio: "next", bytes: 6 });
  expect(await isSettled(next)).toBe(false);
  held.release(taken);
  expect(held.take(await next)).toBe("next");
});

test("a recording that has begun gets room before those that have not, and gives all of it back when it comes to nothing", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const whole = await hold(held, { audio: "whole", bytes: 4 });
  const growing = held.open();
  await growing.grow(6, never);
  const other = hold(held, { audio: "other", bytes: 1 });
  const more = growing.grow(4, never);
  expect([await isSettled(more), await isSettled(other)]).toEqual([false, false]);
  held.release(whole);
  expect([await isSettled(more), await isSettled(other)]).toEqual([true, false]);
  growing.drop();
  growing.drop();
  expect(held.take(await other)).toBe("other");
  await hold(held, { audio: "the rest", bytes: 9 });
});

test("of recordings that are all still decoded, the first goes on beyond the bound, and the others wait for its end", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  const [first, second] = [held.open(), held.open()];
  await first.grow(5, never);
  await second.grow(5, never);
  const behind = second.grow(1, never);
  await first.grow(20, never);
  const id = first.hold("first");
  expect(await isSettled(behind)).toBe(false);
  held.take(id);
  held.release(id);
  await behind;
  expect(held.take(second.hold("second"))).toBe("second");
});

test("a recording whose call is aborted while it waits to grow lets others go on", async () => {
  const held = createHeldAudio<string>({ bytesMax: 10 });
  await hold(held, { audio: "whole", bytes: 5 });
  const growing = held.open();
  await growing.grow(5, never);
  const controller = new AbortController();
  const gone = new Error("gone");
  const more = expect(growing.grow(5, controller.signal)).rejects.toBe(gone);
  const other = hold(held, { audio: "other", bytes: 5 });
  controller.abort(gone);
  await more;
  growing.drop();
  expect(held.take(await other)).toBe("other");
});
