import { operations } from "@openai-compat/spec";
import { expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type { PreparedTranscription, TranscriptionEngine, TranscriptionEvent } from "../engine/transcription-engine.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { foldTranscription } from "./fold-transcription.ts";
import type { SpokenRequest } from "./transcription-request.ts";
import { transcriptionCalls, translationCalls } from "./transcription-service.ts";

const AUDIO_MS = 90_000;
const REQUEST: SpokenRequest = {
  pieces: [new Uint8Array(1)],
  languages: null,
  prompt: null,
  temperature: 0,
  words: false,
  logprobs: false,
  detection: null,
  stream: false,
};

const START: TranscriptionEvent = { type: "transcription-start", language: "en", languageProbability: 1 };
const SAID: TranscriptionEvent = { type: "text-delta", text: "The sea", logprobs: null };
const HEARD: TranscriptionEvent = { type: "transcription-progress", heardMs: 30_000 };
const END: TranscriptionEvent = {
  type: "transcription-end",
  tokens: { audioTokens: 1, promptTokens: 1, outputTokens: 1 },
};

interface FakeOptions {
  readonly transcribe?: TranscriptionEngine["transcribe"];
  readonly granted?: number;
}

/** A second of audio costs a micro-credit. */
function setUp({ transcribe = play(START, SAID, HEARD, END), granted = 1000 }: FakeOptions = {}) {
  let count = 0;
  const held = new Set<string>();
  const prepare = vi.fn<TranscriptionEngine["prepare"]>(async ({ pieces: _pieces, ...options }) => {
    count += 1;
    const audioId = `audio_${count}`;
    held.add(audioId);
    return { audioId, audioMs: AUDIO_MS, options };
  });
  const engine: TranscriptionEngine = {
    type: "transcription",
    limits: { concurrency: 1 },
    prepare,
    async *transcribe(prepared, signal) {
      try {
        yield* transcribe(prepared, signal);
      } finally {
        held.delete(prepared.audioId);
      }
    },
    live: null,
    release: (audioId) => void held.delete(audioId),
    close: async () => {},
  };
  const records: CallRecord[] = [];
  const credits = createFakeCreditStore(granted);
  const model = { id: "ears", name: "Ears", ownedBy: "tests", createdAtMs: 0, isDefault: true };
  const queue = { waitingMax: 0, waitTimeMsMax: 1000 };
  const prices = { ...FREE_OF_CHARGE, perMinuteOfAudio: 60 };
  const service = createAiService({
    registry: createModelRegistry([{ ...model, type: "transcription", engine, queue, prices }]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const start = (calls = transcriptionCalls, signal = new AbortController().signal) => {
    const routed = service.route(authoriseTestCall(operations[calls.operation], { signal }), calls, "ears");
    if (routed.route !== "local") throw new Error("The model is local.");
    return routed.run(REQUEST);
  };
  return { start, records, credits, held, prepare };
}

function play(...events: readonly TranscriptionEvent[]): TranscriptionEngine["transcribe"] {
  return async function* playEvents() {
    yield* events;
  };
}

test("a recording is transcribed, and paid for as long as it is", async () => {
  const { start, records, credits, held } = setUp();
  const run = await start();
  expect([...credits.holds.values()]).toMatchObject([{ amount: 90 }]);
  expect(run).toMatchObject({ modelId: "ears", audioMs: AUDIO_MS });
  expect(await foldTranscription(run.events)).toMatchObject({ text: "The sea", language: "en", segments: [] });
  expect(records).toMatchObject([
    { operationId: "createTranscription", billedAs: "ai_transcription", outcome: "completed", chargedAmount: 90 },
  ]);
  expect(records).toMatchObject([{ usage: { audioMs: AUDIO_MS }, heldAmount: 90, streamed: false }]);
  expect(held.size).toBe(0);
});

test("the engine is asked for what the operation does, whatever the request says", async () => {
  const { start, prepare } = setUp();
  for (const calls of [transcriptionCalls, translationCalls]) await foldTranscription((await start(calls)).events);
  expect(prepare.mock.calls.map(([{ task }]) => task)).toEqual(["transcribe", "translate"]);
  expect(prepare.mock.calls[0]?.[0]).not.toHaveProperty("stream");
});

test("a call that is not admitted releases its recording", async () => {
  const { start, held, credits } = setUp({ granted: 89 });
  await expect(start()).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(held.size).toBe(0);
  expect(credits.holds.size).toBe(0);
});

test("a call that finds no slot releases its recording, and the one that runs is not disturbed", async () => {
  const { start, held } = setUp();
  const running = await start();
  await expect(start()).rejects.toMatchObject({ code: "queue_full" });
  expect(held.size).toBe(1);
  expect(await foldTranscription(running.events)).toMatchObject({ text: "The sea" });
  expect(held.size).toBe(0);
});

test("a client that disconnects pays for what was heard", async () => {
  const { start, records, held } = setUp();
  for await (const event of (await start()).events) if (event.type === "transcription-progress") break;
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 30, usage: { audioMs: 30_000 } }]);
  expect(held.size).toBe(0);
});

test("a call that is aborted while its engine works pays for what was heard", async () => {
  const controller = new AbortController();
  const { start, records } = setUp({
    async *transcribe(_prepared: PreparedTranscription, signal) {
      yield* [START, HEARD];
      controller.abort();
      signal.throwIfAborted();
    },
  });
  const run = await start(transcriptionCalls, controller.signal);
  await expect(foldTranscription(run.events)).rejects.toMatchObject({ code: "cancelled" });
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 30 }]);
});

test.each([
  ["before anything was heard", [START]],
  ["after something was heard", [START, SAID, HEARD]],
])("a call that the engine breaks %s costs nothing", async (_when, events) => {
  const { start, records, credits, held } = setUp({
    async *transcribe() {
      yield* events;
      throw new AiError("engine_failed", "The process ended.");
    },
  });
  await expect(foldTranscription((await start()).events)).rejects.toMatchObject({ code: "engine_failed" });
  expect(records).toMatchObject([{ outcome: "engine_failed", chargedAmount: 0, usage: { audioMs: 0 } }]);
  expect(credits.holds.size).toBe(0);
  expect(held.size).toBe(0);
});

test("a transcription without an end is a failure, not half a transcript", async () => {
  const { start } = setUp({ transcribe: play(START, SAID) });
  await expect(foldTranscription((await start()).events)).rejects.toMatchObject({ code: "engine_failed" });
});

test("an engine that says that it has heard more than there is charges no more than there is", async () => {
  const { start, records } = setUp({ transcribe: play(START, { type: "transcription-progress", heardMs: 10 ** 9 }) });
  for await (const _ of (await start()).events);
  expect(records).toMatchObject([{ chargedAmount: 90, usage: { audioMs: AUDIO_MS } }]);
});
