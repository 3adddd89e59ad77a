/** Calls that pass through to an upstream: what comes back, what is paid, and what is let go, however they end. */

import { operations } from "@openai-compat/spec";
import { expect, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { Calls } from "../call-kind.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import type { UpstreamEngine, UpstreamEvent, UpstreamRequest } from "../engine/upstream-engine.ts";
import { createModelRegistry } from "../models/registry.ts";
import { MODEL_OPERATIONS } from "../operations.ts";
import type { ModelRequestId } from "../model-operation-id.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { NO_USAGE } from "../usage.ts";
import type { UsageSource, UsageUnits } from "../usage.ts";
import { chatCalls, inputTokenCalls, responseCalls } from "./chat-service.ts";
import { completionCalls } from "./completion-service.ts";
import { embeddingCalls } from "./embedding-service.ts";
import { speechCalls } from "./speech-service.ts";
import { transcriptionCalls, translationCalls } from "./transcription-service.ts";
import type { UpstreamCallRequest, RequestBounds, UpstreamRun } from "./upstream-request.ts";

/** An input token costs one micro-credit, an output token ten, a second of audio and a character a hundred. */
const prices = {
  ...FREE_OF_CHARGE,
  perMillionInputTokens: 1_000_000,
  perMillionOutputTokens: 10_000_000,
  perMillionCharacters: 100_000_000,
  perMinuteOfAudio: 6000,
};

const CALLS: Readonly<Record<ModelRequestId, Calls<never, unknown>>> = {
  createChatCompletion: chatCalls,
  createResponse: responseCalls,
  Getinputtokencounts: inputTokenCalls,
  createCompletion: completionCalls,
  createEmbedding: embeddingCalls,
  createTranscription: transcriptionCalls,
  createTranslation: translationCalls,
  createSpeech: speechCalls,
};

const never = new AbortController().signal;
const NOTHING_SENT: RequestBounds = {
  inputBytes: 0,
  prompts: 1,
  outputTokensMax: 10,
  unlimitedOutputTokens: 0,
  answers: 1,
  audioMs: 0,
  audioMsMax: 0,
  characters: 0,
};

interface SetUpOptions {
  readonly operation?: ModelRequestId;
  readonly forward: UpstreamEngine["forward"];
}

function setUp({ operation = "createChatCompletion", forward }: SetUpOptions) {
  const requests: UpstreamRequest[] = [];
  const signals: AbortSignal[] = [];
  const engine: UpstreamEngine = {
    type: "upstream",
    limits: { contextTokens: 64, completionTokensMax: 16, concurrency: 1 },
    operations: new Set([operation]),
    bridgesResponses: true,
    forward(request, signal) {
      requests.push(request);
      signals.push(signal);
      return forward(request, signal);
    },
    connectRealtime: null,
    upstreams: () => [{ index: 0, state: "open", running: 1, failures: 2, failovers: 3 }],
    close: async () => {},
  };
  const type = MODEL_OPERATIONS[operation].modelType;
  const described = { id: "far", name: "Far", ownedBy: "tests", createdAtMs: 0, isDefault: true };
  const queue = { waitingMax: 1, waitTimeMsMax: 1000 };
  const credits = createFakeCreditStore(1_000_000);
  const records: CallRecord[] = [];
  const service = createAiService({
    registry: createModelRegistry([{ ...described, type, engine, queue, prices }]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const start = (
    bounds: Partial<RequestBounds> = {},
    signal = never,
    asked: ModelRequestId = operation,
    shorten?: UpstreamCallRequest["shorten"],
  ) => {
    const request: UpstreamCallRequest = {
      path: "/chat/completions",
      body: { kind: "json", value: { model: "far" } },
      stream: true,
      includeUsage: true,
      traceParent: "trace",
      bounds: { ...NOTHING_SENT, ...bounds },
      ...(shorten === undefined ? {} : { shorten }),
    };
    const routed = service.route<never, unknown>(authoriseTestCall(operations[asked], { signal }), CALLS[asked], "far");
    if (routed.route !== "upstream") throw new Error("The model is an upstream's.");
    return routed.run(request);
  };
  const isIdle = () => service.queues().every(({ running }) => running === 0) && credits.holds.size === 0;
  return { service, start, requests, signals, credits, records, isIdle };
}

const used = (outputTokens: number): UsageUnits => ({ ...NO_USAGE, inputTokens: 5, outputTokens });
const bytes = (text: string) => new TextEncoder().encode(text);
const begin: UpstreamEvent = { type: "upstream-start", contentType: "text/event-stream", droppedParameters: ["user"] };
const data = (text: string, usage = NO_USAGE, source: UsageSource = "estimated"): UpstreamEvent => ({
  type: "upstream-data",
  bytes: bytes(text),
  usage,
  source,
});
const end = (usage: UsageUnits): UpstreamEvent => ({ type: "upstream-end", usage, source: "reported" });
const whole = (text: string, usage: UsageUnits): UpstreamEvent => ({
  type: "upstream-whole",
  contentType: "application/json",
  droppedParameters: [],
  bytes: bytes(text),
  usage,
  source: "reported",
});

const play = (...events: UpstreamEvent[]): UpstreamEngine["forward"] =>
  async function* forward() {
    yield* events;
  };

async function readChunks(run: UpstreamRun): Promise<string[]> {
  if (run.kind !== "chunks") throw new Error("The answer is whole.");
  const texts: string[] = [];
  for await (const chunk of run.chunks) texts.push(new TextDecoder().decode(chunk));
  return texts;
}

test("a stream comes out in the upstream's pieces, holds its slot until it ends, and pays for the last usage", async () => {
  const forward = play(begin, data("a", used(1)), data("b", used(2)), end(used(3)));
  const { start, service, records, requests, isIdle } = setUp({ forward });
  const run = await start({ inputBytes: 5 });
  expect(run).toMatchObject({ modelId: "far", contentType: "text/event-stream", droppedParameters: ["user"] });
  expect(service.queues()).toMatchObject([{ running: 1 }]);
  expect(await readChunks(run)).toEqual(["a", "b"]);
  expect(isIdle()).toBe(true);
  const record = { outcome: "completed", usage: used(3), usageSource: "reported", chargedAmount: 35, streamed: true };
  expect(records).toMatchObject([record]);
  expect(requests).toEqual([
    {
      operation: "createChatCompletion",
      path: "/chat/completions",
      body: { kind: "json", value: { model: "far" } },
      outputTokensMax: 10,
      stream: true,
      includeUsage: true,
      modelId: "far",
      traceParent: "trace",
    },
  ]);
});

test("a whole answer has been paid for when it comes", async () => {
  const { start, records, isIdle } = setUp({ forward: play(whole("{}", used(2))) });
  const run = await start();
  expect(run).toEqual({
    modelId: "far",
    checkpoint: expect.any(Function),
    contentType: "application/json",
    droppedParameters: [],
    kind: "whole",
    body: bytes("{}"),
  });
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "completed", chargedAmount: 25 }]);
});

test.each<[string, UpstreamEvent[]]>([
  ["nothing at all", []],
  ["data without a start", [data("a"), end(NO_USAGE)]],
  ["more behind a whole answer", [whole("{}", NO_USAGE), data("a"), data("b")]],
])("an upstream that sends %s has failed, and what the call held is free again", async (_case, events) => {
  const { start, records, isIdle } = setUp({ forward: play(...events) });
  await expect(start()).rejects.toMatchObject({
    code: "upstream_failed",
    message: expect.stringContaining("ended before it began"),
  });
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ chargedAmount: 0 }]);
});

test("what the upstream refuses comes out as it is and costs nothing", async () => {
  const refusal = new AiError("upstream_rate_limited", "Later.");
  const forward = async function* (_request: UpstreamRequest, signal: AbortSignal): AsyncGenerator<UpstreamEvent> {
    if (!signal.aborted) throw refusal;
    yield begin;
  };
  const { start, records, isIdle } = setUp({ forward });
  await expect(start()).rejects.toBe(refusal);
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "upstream_rate_limited", chargedAmount: 0 }]);
});

const tooLong = new AiError("context_length_exceeded", "Too long.");

test("what is refused for its length goes out again, shorter, as the same call, until nothing is left", async () => {
  const lengths = [3, 2, 1];
  const { start, requests, records, credits, isIdle } = setUp({
    async *forward({ body }) {
      if (body.kind === "json" && body.value["length"] !== 1) throw tooLong;
      yield whole("{}", used(2));
    },
  });
  const run = await start({}, never, undefined, (refusal) => {
    expect(refusal).toBe(tooLong);
    const length = lengths.shift();
    return length === undefined ? null : { kind: "json", value: { length } };
  });
  expect(run).toMatchObject({ kind: "whole" });
  expect(requests.map(({ body }) => body.kind === "json" && body.value["length"])).toEqual([undefined, 3, 2, 1]);
  expect(requests[1]).not.toHaveProperty("shorten");
  expect(records).toMatchObject([{ outcome: "completed", usage: used(2) }]);
  expect([credits.holds.size, isIdle()]).toEqual([0, true]);
});

test("a refusal for another reason, after a first event or with nothing to leave out is the caller's", async () => {
  const other = new AiError("invalid_value", "Wrong.");
  const asked: unknown[] = [];
  const shorten = (refusal: AiError) => {
    asked.push(refusal);
    return null;
  };
  const refuse = (error: AiError): UpstreamEngine["forward"] =>
    async function* forward() {
      yield* [];
      throw error;
    };
  const refused = setUp({ forward: refuse(other) });
  await expect(refused.start({}, never, undefined, shorten)).rejects.toBe(other);
  const late = setUp({
    async *forward() {
      yield begin;
      throw tooLong;
    },
  });
  await expect(late.start({}, never, undefined, shorten).then(readChunks)).rejects.toBe(tooLong);
  expect(asked).toEqual([]);
  const spent = setUp({ forward: refuse(tooLong) });
  await expect(spent.start({}, never, undefined, shorten)).rejects.toBe(tooLong);
  expect([asked, spent.requests.length, spent.isIdle()]).toEqual([[tooLong], 1, true]);
});

test("an upstream that breaks in the middle breaks the stream, and what it had made is paid for", async () => {
  const forward = async function* (): AsyncGenerator<UpstreamEvent> {
    yield begin;
    yield data("a", used(1));
    throw new AiError("upstream_failed", "Broke.");
  };
  const { start, records, isIdle } = setUp({ forward });
  await expect(readChunks(await start())).rejects.toMatchObject({ code: "upstream_failed" });
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "upstream_failed", usageSource: "estimated", chargedAmount: 15 }]);
});

/** Streams until it is aborted; then it may say what the call has used, and fails. */
function untilAborted(...last: UpstreamEvent[]): UpstreamEngine["forward"] {
  return async function* forward(_request, signal) {
    yield begin;
    if (!signal.aborted) yield data("a", used(1));
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield* last;
    throw new Error("native abort");
  };
}

test.each<[string, UpstreamEvent[], number]>([
  ["the upstream's last word", [end(used(4))], 45],
  ["what was seen of it, where the upstream says no more", [], 15],
])("a client that disconnects pays for %s", async (_case, last, chargedAmount) => {
  const { start, records, signals, isIdle } = setUp({ forward: untilAborted(...last) });
  const run = await start();
  if (run.kind !== "chunks") throw new Error("The answer is whole.");
  for await (const _ of run.chunks) break;
  expect(signals[0]?.aborted).toBe(true);
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "left", chargedAmount }]);
});

test("a call that is aborted while the upstream is silent ends with the reason, and with the upstream's last word", async () => {
  const disconnect = new AbortController();
  const { start, records, signals, isIdle } = setUp({ forward: untilAborted(end(used(4))) });
  const reading = readChunks(await start({}, disconnect.signal));
  const reason = new AiError("shutting_down", "Bye.");
  setImmediate(() => disconnect.abort(reason));
  await expect(reading).rejects.toBe(reason);
  expect(signals[0]?.reason).toBe(reason);
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "shutting_down", chargedAmount: 45 }]);
});

test("a client that disconnects before the first piece of a stream frees the upstream call and the slot", async () => {
  const { start, records, signals, isIdle } = setUp({ forward: untilAborted() });
  const run = await start();
  if (run.kind !== "chunks") throw new Error("The answer is whole.");
  expect(await run.chunks[Symbol.asyncIterator]().return?.()).toEqual({ done: true, value: undefined });
  expect(signals[0]?.aborted).toBe(true);
  expect(isIdle()).toBe(true);
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 0 }]);
});

test("an upstream call that has ended removes its abort listener", async () => {
  const controller = new AbortController();
  const added = vi.spyOn(controller.signal, "addEventListener");
  const removed = vi.spyOn(controller.signal, "removeEventListener");
  const { start, signals } = setUp({ forward: play(begin, end(used(1))) });
  await readChunks(await start({}, controller.signal));
  expect(removed).toHaveBeenCalledTimes(added.mock.calls.length);
  controller.abort();
  expect(signals[0]?.aborted).toBe(false);
});

interface PaidAnswer {
  readonly what: string;
  readonly operation: ModelRequestId;
  readonly bounds: Partial<RequestBounds>;
  readonly reported: UsageUnits;
  readonly paid: Partial<UsageUnits>;
  readonly chargedAmount: number;
}

test.each<PaidAnswer>([
  {
    what: "a recording without a reported length as long as it is",
    operation: "createTranscription",
    bounds: audio(2000),
    reported: NO_USAGE,
    paid: { audioMs: 2000 },
    chargedAmount: 200,
  },
  {
    what: "a recording as long as the upstream says",
    operation: "createTranscription",
    bounds: audio(2000),
    reported: { ...NO_USAGE, audioMs: 3000 },
    paid: { audioMs: 3000 },
    chargedAmount: 300,
  },
  {
    what: "speech for the characters that were sent",
    operation: "createSpeech",
    bounds: { characters: 3 },
    reported: NO_USAGE,
    paid: { characters: 3 },
    chargedAmount: 300,
  },
])("an answer is paid for: $what", async ({ operation, bounds, reported, paid, chargedAmount }) => {
  const { start, records } = setUp({ operation, forward: play(begin, data("a", reported), end(reported)) });
  await readChunks(await start(bounds));
  expect(records).toMatchObject([{ outcome: "completed", usage: paid, chargedAmount }]);
});

function audio(audioMs: number): Partial<RequestBounds> {
  return { audioMs, audioMsMax: 10 * audioMs };
}

test("an upstream that has begun, and has said nothing of what it made, costs nothing when it breaks", async () => {
  const forward = async function* (): AsyncGenerator<UpstreamEvent> {
    yield begin;
    yield data(": keep-alive");
    throw new AiError("upstream_failed", "Broke.");
  };
  const { start, records } = setUp({ forward });
  await expect(readChunks(await start())).rejects.toMatchObject({ code: "upstream_failed" });
  expect(records).toMatchObject([{ chargedAmount: 0, firstOutputAfterMs: null, usageSource: null }]);
});

test("an operation that the upstream doesn't serve is refused before it is asked", async () => {
  const { start, requests } = setUp({ forward: play() });
  await expect(start({}, never, "createCompletion")).rejects.toMatchObject({
    code: "not_implemented",
    param: "model",
    message: "The model 'far' doesn't offer completion on this server.",
  });
  expect(requests).toEqual([]);
});

test("the status of each upstream is listed with its model", () => {
  const { service } = setUp({ forward: play() });
  expect(service.upstreams()).toEqual([
    { modelId: "far", index: 0, state: "open", running: 1, failures: 2, failovers: 3 },
  ]);
});
