import type { SpeechBoundary } from "@openai-compat/core";
import { afterAll, expect, test } from "vitest";
import type { HostedModel } from "../host/hosted-model.ts";
import { openNativeWhisper } from "./native-whisper.ts";
import type { NativeWhisper } from "./native-whisper.ts";
import { createSounds } from "./testing/recordings.ts";
import { makeTinyWhisper } from "./testing/tiny-whisper.ts";
import { createWhisperLive } from "./whisper-live.ts";
import { resolveWhisperModel } from "./whisper-settings.ts";

const tiny = await makeTinyWhisper();
const native = await openNativeWhisper(resolveWhisperModel({ ...tiny, threads: 1 }));
afterAll(async () => {
  await native.dispose();
  await tiny[Symbol.asyncDispose]();
});

const never = new AbortController().signal;
const DETECTION = { threshold: 0.5, prefixPaddingMs: 300, silenceMs: 300 };

/** The model in this process, and how often it is held. */
function createHosted() {
  const leases = { held: 0, taken: 0 };
  const hosted: HostedModel<NativeWhisper> = {
    async acquire() {
      leases.held += 1;
      leases.taken += 1;
      return { value: native, release: () => void (leases.held -= 1) };
    },
    ask: async (call) => call(native),
    confirm: () => {},
    close: async () => {},
  };
  return { hosted, leases };
}

function createLive(hosted: HostedModel<NativeWhisper>, turns = 1) {
  return createWhisperLive({ hosted, turns, restMs: 20, check: async () => {} });
}

/** Audio that its test sends piece by piece. */
function createLine() {
  let next = Promise.withResolvers<Int16Array | null>();
  return {
    send(samples: Int16Array | null) {
      const { resolve } = next;
      next = Promise.withResolvers();
      resolve(samples);
    },
    async *audio(): AsyncGenerator<Int16Array, void> {
      for (;;) {
        const samples = await next.promise;
        if (samples === null) return;
        yield samples;
      }
    },
  };
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}

test("a session that sends nothing does not hold the model, and hears at the right times when it does again", async () => {
  const { hosted, leases } = createHosted();
  const line = createLine();
  const found: SpeechBoundary[] = [];
  const ended = (async () => {
    for await (const boundary of createLive(hosted).detectSpeech(line.audio(), DETECTION, never)) found.push(boundary);
  })();
  await new Promise((resolve) => setTimeout(resolve, 30));
  expect(leases).toEqual({ held: 0, taken: 0 });
  line.send(createSounds([0, 1]));
  await until(() => leases.held === 1);
  await until(() => leases.held === 0);
  line.send(createSounds([0, 0.96, 1, 1]));
  await until(() => found.length === 2);
  await until(() => leases.held === 0);
  line.send(null);
  await ended;
  expect(leases).toEqual({ held: 0, taken: 2 });
  expect(found.map(({ type }) => type)).toEqual(["speech-started", "speech-stopped"]);
  expect(found[0]?.atMs).toBe(1960);
});

test("the model is held while somebody speaks, though nothing comes", async () => {
  const { hosted, leases } = createHosted();
  const line = createLine();
  const found: string[] = [];
  const ended = (async () => {
    for await (const { type } of createLive(hosted).detectSpeech(line.audio(), DETECTION, never)) found.push(type);
  })();
  line.send(createSounds([1]));
  await until(() => found.length === 1);
  await new Promise((resolve) => setTimeout(resolve, 60));
  expect(leases).toEqual({ held: 1, taken: 1 });
  line.send(createSounds([0, 1]));
  await until(() => found.length === 2);
  await until(() => leases.held === 0);
  line.send(null);
  await ended;
  expect(found).toEqual(["speech-started", "speech-stopped"]);
});

test("an abort leaves neither a session nor a lease nor a slot, wherever it comes", async () => {
  const { hosted, leases } = createHosted();
  const live = createLive(hosted, 1);
  const gone = new Error("gone");
  const options = { languages: null, prompt: null, logprobs: false };
  for (const delayMs of [0, 1, 3, 10, 30, 100]) {
    const controller = new AbortController();
    const line = createLine();
    setTimeout(() => line.send(createSounds([3])), 0);
    setTimeout(() => controller.abort(gone), delayMs);
    const listen = async () => {
      for await (const _ of live.transcribe(line.audio(), options, controller.signal));
    };
    await expect(listen()).rejects.toBe(gone);
    expect(leases.held).toBe(0);
  }
});
