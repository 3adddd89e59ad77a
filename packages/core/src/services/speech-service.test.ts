import { operations } from "@openai-compat/spec";
import { expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type { SpeechEngine, SpeechEvent } from "../engine/speech-engine.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { speechCalls } from "./speech-service.ts";
import type { SpeechCallRequest } from "./speech-service.ts";

const REQUEST: SpeechCallRequest = {
  text: "The sea is wide. Rain.",
  voice: "alloy",
  speed: 1,
  instructions: null,
  format: "pcm",
  characters: 22,
};

const piece = (spokenCharacters: number): SpeechEvent => ({
  type: "speech-audio",
  bytes: new Uint8Array(2),
  spokenCharacters,
});
const END: SpeechEvent = { type: "speech-end", audioMs: 1000, inputTokens: 22, outputTokens: 50 };

interface FakeOptions {
  readonly speak?: SpeechEngine["speak"];
  readonly granted?: number;
}

/** A character costs a micro-credit. */
function setUp({ speak = play(piece(0), piece(16), piece(22), END), granted = 1000 }: FakeOptions = {}) {
  const prepare = vi.fn<SpeechEngine["prepare"]>(async () => {});
  const engine: SpeechEngine = {
    type: "speech",
    limits: { concurrency: 1 },
    voices: [
      { id: "Heart", aliases: ["alloy"] },
      { id: "nova", aliases: ["Fable", "heart-2"] },
    ],
    prepare,
    speak: vi.fn(speak),
    close: async () => {},
  };
  const records: CallRecord[] = [];
  const credits = createFakeCreditStore(granted);
  const model = { id: "mouth", name: "Mouth", ownedBy: "tests", createdAtMs: 0, isDefault: true };
  const queue = { waitingMax: 0, waitTimeMsMax: 1000 };
  const prices = { ...FREE_OF_CHARGE, perMillionCharacters: 1_000_000 };
  const service = createAiService({
    registry: createModelRegistry([{ ...model, type: "speech", engine, queue, prices }]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const start = (options: Partial<SpeechCallRequest> = {}, signal = new AbortController().signal) => {
    const routed = service.route(authoriseTestCall(operations.createSpeech, { signal }), speechCalls, "mouth");
    if (routed.route !== "local") throw new Error("The model is local.");
    return routed.run({ ...REQUEST, ...options });
  };
  return { start, records, credits, prepare, engine };
}

function play(...events: readonly SpeechEvent[]): SpeechEngine["speak"] {
  return async function* playEvents() {
    yield* events;
  };
}

test("a text is spoken, and paid for by its characters", async () => {
  const { start, records, credits } = setUp();
  const run = await start();
  expect([...credits.holds.values()]).toMatchObject([{ amount: 22 }]);
  const events: SpeechEvent[] = [];
  for await (const event of run.events) events.push(event);
  expect(events.at(-1)).toEqual(END);
  expect(records).toMatchObject([
    { operationId: "createSpeech", billedAs: "ai_tts", outcome: "completed", chargedAmount: 22, streamed: true },
  ]);
  expect(records).toMatchObject([{ usage: { characters: 22 } }]);
});

test.each([
  ["Heart", "Heart"],
  ["heart", "Heart"],
  ["ALLOY", "Heart"],
  ["nova", "nova"],
  ["fable", "nova"],
])("the voice %s is the voice %s", async (voice, id) => {
  const { start, prepare, engine } = setUp();
  for await (const _ of (await start({ voice })).events);
  const { characters: _characters, ...expected } = { ...REQUEST, voice: id };
  expect(prepare.mock.calls[0]?.[0]).toEqual(expected);
  expect(vi.mocked(engine.speak).mock.calls[0]?.[0]).toEqual(expected);
});

test("a voice that is not there is refused with the list of those that are", async () => {
  const { start, prepare, records } = setUp();
  await expect(start({ voice: "x".repeat(500) })).rejects.toMatchObject({
    code: "invalid_value",
    param: "voice",
    message: `Invalid value for 'voice': '${"x".repeat(60)}'. The voices of this model are: 'Heart', 'alloy', 'nova', 'Fable', 'heart-2'.`,
  });
  expect(prepare).not.toHaveBeenCalled();
  expect(records).toEqual([]);
});

test("what the engine can't encode is refused before credits are held", async () => {
  const { start, prepare, credits, records } = setUp({ granted: 21 });
  const refusal = new AiError("unsupported_value", "no AAC", { param: "response_format" });
  prepare.mockRejectedValueOnce(refusal);
  await expect(start()).rejects.toBe(refusal);
  await expect(start()).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(credits.holds.size).toBe(0);
  expect(records).toEqual([]);
});

test("a client that disconnects pays for what was spoken", async () => {
  const { start, records } = setUp();
  let pieces = 0;
  for await (const _ of (await start()).events) {
    pieces += 1;
    if (pieces === 2) break;
  }
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 16 }]);
});

test.each([
  ["before anything was spoken", [], 0],
  ["after something was spoken", [piece(0), piece(16)], 16],
])("a call that the engine breaks %s pays for what was sent", async (_when, events, amount) => {
  const { start, records, credits } = setUp({
    async *speak() {
      yield* events;
      throw new AiError("engine_failed", "The process ended.");
    },
  });
  const drain = async () => {
    for await (const _ of (await start()).events);
  };
  await expect(drain()).rejects.toMatchObject({ code: "engine_failed" });
  expect(records).toMatchObject([{ outcome: "engine_failed", chargedAmount: amount }]);
  expect(credits.holds.size).toBe(0);
});
