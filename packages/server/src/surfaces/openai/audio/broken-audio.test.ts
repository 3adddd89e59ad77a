/** Speech and transcriptions that are sent while they are made, that break, or whose clients disconnect. */

import { AiError } from "@openai-compat/core";
import type { SpeechEngine, SpeechEvent, TranscriptionEngine, TranscriptionEvent } from "@openai-compat/core";
import { expect, test, vi } from "vitest";
import { createTestApp, readSseData } from "../../../testing/test-server.ts";

const BROKEN = new AiError("engine_failed", "The model's process ended. Please try again.");
const END: SpeechEvent = { type: "speech-end", audioMs: 1, inputTokens: 1, outputTokens: 1 };
const piece = (text: string): SpeechEvent => ({
  type: "speech-audio",
  bytes: new TextEncoder().encode(text),
  spokenCharacters: 1,
});

type Speak = SpeechEngine["speak"];

async function setUpSpeech(speak: Speak) {
  const engine: SpeechEngine = {
    type: "speech",
    limits: { concurrency: 1 },
    voices: [{ id: "alloy", aliases: [] }],
    prepare: async () => {},
    speak,
    close: async () => {},
  };
  const { post, internalErrors } = await createTestApp({ models: [{ id: "mouth", type: "speech", engine }] });
  const ask = (fields: object = {}) =>
    post("/v1/audio/speech", { model: "mouth", input: "The sea.", voice: "alloy", response_format: "pcm", ...fields });
  return { ask, internalErrors };
}

/** A generation that says whether it was ended from outside. */
function speakForEver() {
  const state = { running: 0 };
  const speak: Speak = async function* speak(_request, signal) {
    state.running += 1;
    try {
      yield piece("one");
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
      });
    } finally {
      state.running -= 1;
    }
  };
  return { speak, state };
}

test.each([
  ["bytes", {}, "one"],
  ["events", { stream_format: "sse" }, 'data: {"type":"speech.audio.delta","audio":"b25l"}\n\n'],
])("%s leave as they come, and the speech ends with the client", async (_what, fields, expected) => {
  const { speak, state } = speakForEver();
  const response = await (await setUpSpeech(speak)).ask(fields);
  const reader = response.body?.getReader();
  const first = await reader?.read();
  expect(new TextDecoder().decode(first?.value)).toBe(expected);
  expect(state.running).toBe(1);
  await reader?.cancel();
  await vi.waitFor(() => expect(state.running).toBe(0));
});

test("speech that breaks before its first bytes is an error of the server", async () => {
  const { ask, internalErrors } = await setUpSpeech(() => ({
    [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(BROKEN) }),
  }));
  const response = await ask();
  expect(response.status).toBe(500);
  expect(await response.json()).toMatchObject({ error: { message: BROKEN.message } });
  expect(internalErrors).toHaveLength(1);
});

test("bytes of speech that breaks later end with the connection, and events with the error", async () => {
  const speak: Speak = async function* speak() {
    yield piece("one");
    throw BROKEN;
  };
  const broken = await setUpSpeech(speak);
  await expect((await broken.ask()).arrayBuffer()).rejects.toThrow(BROKEN.message);
  const data = await readSseData(await broken.ask({ stream_format: "sse" }));
  expect(data).toHaveLength(2);
  expect(data[1]).toContain(BROKEN.message);
  expect(broken.internalErrors).toHaveLength(2);
});

test("speech without bytes is an empty file, and its events have the usage alone", async () => {
  const silent = await setUpSpeech(async function* speak() {
    yield END;
  });
  expect((await (await silent.ask()).arrayBuffer()).byteLength).toBe(0);
  expect(await readSseData(await silent.ask({ stream_format: "sse" }))).toHaveLength(1);
});

const START: TranscriptionEvent = { type: "transcription-start", language: "en", languageProbability: null };
const SAID: TranscriptionEvent = { type: "text-delta", text: "The sea", logprobs: null };

async function setUpTranscription(transcribe: TranscriptionEngine["transcribe"]) {
  const engine: TranscriptionEngine = {
    type: "transcription",
    limits: { concurrency: 1 },
    prepare: async ({ pieces: _pieces, ...options }) => ({ audioId: "a", audioMs: 1000, options }),
    transcribe,
    live: null,
    release: () => {},
    close: async () => {},
  };
  const { request } = await createTestApp({ models: [{ id: "ears", type: "transcription", engine }] });
  return (stream: boolean) => {
    const form = new FormData();
    form.append("model", "ears");
    form.append("stream", String(stream));
    form.append("file", new File(["audio"], "a.wav"));
    return request("/v1/audio/transcriptions", { method: "POST", body: form });
  };
}

test("a transcription that breaks is one clear error, whole or as events", async () => {
  const ask = await setUpTranscription(async function* transcribe() {
    yield* [START, SAID];
    throw BROKEN;
  });
  const whole = await ask(false);
  expect(whole.status).toBe(500);
  expect(await whole.json()).toMatchObject({ error: { message: BROKEN.message } });
  const data = await readSseData(await ask(true));
  expect(data).toHaveLength(2);
  expect(data[1]).toContain(BROKEN.message);
});

test("deltas leave as they come, and the transcription ends with the client", async () => {
  const state = { running: 0 };
  const ask = await setUpTranscription(async function* transcribe(_prepared, signal) {
    state.running += 1;
    try {
      yield* [START, SAID];
      await new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(new Error("aborted")), { once: true });
      });
    } finally {
      state.running -= 1;
    }
  });
  const reader = (await ask(true)).body?.getReader();
  expect(new TextDecoder().decode((await reader?.read())?.value)).toContain('"delta":"The sea"');
  expect(state.running).toBe(1);
  await reader?.cancel();
  await vi.waitFor(() => expect(state.running).toBe(0));
});
