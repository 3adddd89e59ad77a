/** What calls cost, however they end: through the service, with an engine and a store that can be broken at will. */

import { operations } from "@openai-compat/spec";
import { expect, onTestFinished, test, vi } from "vitest";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import { createRateLimits } from "../admission/rate-limits.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_TEXT } from "../engine/chat-output.ts";
import { createModelRegistry } from "../models/registry.ts";
import type { ChatRequest } from "../services/chat-request.ts";
import { foldChatEvents } from "../services/fold-chat.ts";
import { createFakeChatEngine, fakeModel } from "../testing/fake-chat-engine.ts";
import type { FakeChatEngineOptions } from "../testing/fake-chat-engine.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { serveChat } from "../testing/serve-locally.ts";
import type { Named } from "../testing/serve-locally.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import type { RateLimitUse } from "../store/rate-limit-store.ts";
import { FREE_OF_CHARGE } from "./prices.ts";
import { SETTLEMENT_WAIT_MS_MAX } from "./settlements.ts";

/** A token costs one micro-credit to read and ten to say. */
const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: 1_000_000, perMillionOutputTokens: 10_000_000 };

interface SetUpOptions extends FakeChatEngineOptions {
  readonly granted?: number;
  readonly tokensPerMinute?: number;
  readonly callTimeMsMax?: number;
}

function setUp({ granted = 1000, tokensPerMinute, callTimeMsMax = 60_000, ...engineOptions }: SetUpOptions = {}) {
  const engine = createFakeChatEngine(engineOptions);
  const credits = createFakeCreditStore(granted);
  const records: CallRecord[] = [];
  const settlementErrors: AiError[] = [];
  const corrections: RateLimitUse[] = [];
  const limited = createRateLimits({
    limitsOf: () => ({ requestsPerMinute: null, tokensPerMinute: tokensPerMinute ?? null }),
    store: {
      consume: async ({ points, limit }) => ({ allowed: points <= limit, remaining: limit - points, resetMs: 7000 }),
      correct: async (use) => void corrections.push(use),
      close: async () => {},
    },
  });
  const service = createAiService({
    registry: createModelRegistry([fakeModel(engine, { prices })]),
    credits,
    rateLimits: tokensPerMinute === undefined ? NO_RATE_LIMITS : limited,
    callTimeMsMax,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => void settlementErrors.push(error),
  });
  return { engine, credits, service, records, settlementErrors, corrections };
}

function callWith(signal: AbortSignal = new AbortController().signal) {
  return authoriseTestCall(operations.createChatCompletion, { signal });
}

/** Three prompt tokens. */
const request: Named<ChatRequest> = {
  model: "fake",
  messages: [{ role: "user", content: "one two three" }],
  choices: 1,
  tokensMax: 4,
  stop: [],
  temperature: 1,
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 7,
  logitBias: {},
  output: FREE_TEXT,
  topLogprobs: null,
  stream: true,
};

test("a finished call pays what it used, and the rest of its hold is free again", async () => {
  const { service, credits, records } = setUp();
  const run = await serveChat(service, callWith(), request);
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([43]);
  await foldChatEvents(run.events);
  expect(credits.holds.size).toBe(0);
  expect(credits.entries).toMatchObject([
    {
      accountId: "ada",
      operation: "ai_prompt",
      modelId: "fake",
      requestId: "req_1",
      amount: -23,
      units: { inputTokens: 3, outputTokens: 2, cachedTokens: 3 },
    },
  ]);
  const record = { outcome: "completed", heldAmount: 43, chargedAmount: 23, accountId: "ada", usageSource: "measured" };
  expect(records).toMatchObject([record]);
});

test("every choice is held for and paid", async () => {
  const { service, credits } = setUp();
  const run = await serveChat(service, callWith(), { ...request, choices: 3 });
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([123]);
  await foldChatEvents(run.events);
  expect(credits.entries).toMatchObject([{ amount: -63, units: { inputTokens: 3, outputTokens: 6 } }]);
});

test("a call without a token limit is held for all that the context has room for", async () => {
  const { service, credits } = setUp({ contextTokens: 13 });
  const run = await serveChat(service, callWith(), { ...request, tokensMax: null });
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([103]);
  await foldChatEvents(run.events);
});

test("an account that can't pay the most that a call may cost is refused before any work", async () => {
  const { service, credits, engine } = setUp({ granted: 42 });
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({
    code: "quota_exceeded",
    message: expect.stringContaining("up to 0.000043 credits and 0.000042 are available"),
  });
  expect(engine.requests).toEqual([]);
  expect(credits.entries).toEqual([]);
});

test("a client that disconnects is charged for what was produced until then", async () => {
  const { service, credits, records } = setUp({ words: ["a", "b", "c", "d"] });
  const run = await serveChat(service, callWith(), request);
  let seen = 0;
  for await (const event of run.events) {
    if (event.type === "text-delta") seen += 1;
    if (seen === 2) break;
  }
  expect(credits.entries).toMatchObject([{ amount: -23, units: { inputTokens: 3, outputTokens: 2 } }]);
  expect(credits.holds.size).toBe(0);
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 23 }]);
});

test("a client that disconnects before the first token is charged nothing", async () => {
  const disconnect = new AbortController();
  const { service, credits, engine } = setUp({
    beforeWord: () => {
      disconnect.abort();
    },
  });
  const run = await serveChat(service, callWith(disconnect.signal), request);
  await expect(foldChatEvents(run.events)).rejects.toMatchObject({ code: "cancelled" });
  expect({ entries: credits.entries, held: credits.holds.size, running: engine.running() }).toEqual({
    entries: [],
    held: 0,
    running: 0,
  });
});

test("a broken engine costs what it had produced, and nothing when that was nothing", async () => {
  for (const [brokenAt, amounts] of [
    [0, []],
    [1, [-13]],
  ] as const) {
    const { service, credits, records } = setUp({
      beforeWord(index) {
        if (index === brokenAt) throw new AiError("engine_failed", "broken");
      },
    });
    const run = await serveChat(service, callWith(), request);
    await expect(foldChatEvents(run.events)).rejects.toMatchObject({ code: "engine_failed" });
    expect(credits.entries.map(({ amount }) => amount)).toEqual(amounts);
    expect(credits.holds.size).toBe(0);
    expect(records).toMatchObject([{ outcome: "engine_failed" }]);
  }
});

test("a call whose client disconnects in the queue gets its hold back", async () => {
  const { service, credits } = setUp({ concurrency: 1 });
  const first = await serveChat(service, callWith(), request);
  const disconnect = new AbortController();
  const second = serveChat(service, callWith(disconnect.signal), request);
  await expect.poll(() => credits.holds.size).toBe(2);
  disconnect.abort();
  await expect(second).rejects.toMatchObject({ code: "cancelled" });
  expect(credits.holds.size).toBe(1);
  await foldChatEvents(first.events);
  expect(credits.entries).toHaveLength(1);
});

test("a store that can't hold refuses the call", async () => {
  const { service, credits, engine } = setUp();
  credits.failures.hold.push(new Error("disk full"));
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "billing_unavailable" });
  expect(engine.requests).toEqual([]);
});

test("a store that blinks at the end is asked again", async () => {
  const { service, credits } = setUp();
  credits.failures.settle.push(new Error("busy"), new Error("busy"));
  const run = await serveChat(service, callWith(), request);
  await foldChatEvents(run.events);
  expect(credits.entries).toHaveLength(1);
});

test("a finished answer ends well while the store is down, and is charged when the store is back", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { service, credits, records, settlementErrors } = setUp();
  const run = await serveChat(service, callWith(), request);
  credits.failures.settle.push(...Array.from({ length: 5 }, () => new Error("down")));
  const answer = foldChatEvents(run.events);
  await vi.advanceTimersByTimeAsync(SETTLEMENT_WAIT_MS_MAX);
  await expect(answer).resolves.toMatchObject({ choices: [{ text: "Hello world" }] });
  expect({ entries: credits.entries, pending: service.pendingSettlements() }).toEqual({ entries: [], pending: 1 });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(credits.entries).toMatchObject([{ amount: -23 }]);
  expect(credits.holds.size).toBe(0);
  expect(records).toMatchObject([{ outcome: "completed", chargedAmount: 23 }]);
  expect(settlementErrors).toEqual([]);
});

test("the hold of a failed call is released when the store is back, and the caller gets the failure", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { service, credits } = setUp({
    beforeWord() {
      throw new AiError("engine_failed", "broken");
    },
  });
  credits.failures.void.push(new Error("down"), new Error("down"), new Error("down"));
  const run = await serveChat(service, callWith(), request);
  const failure = expect(foldChatEvents(run.events)).rejects.toMatchObject({ code: "engine_failed" });
  await vi.advanceTimersByTimeAsync(10_000);
  await failure;
  expect(credits.holds.size).toBe(0);
});

test("a hold that expired before the call was settled is reported to the operator", async () => {
  const { service, credits, settlementErrors } = setUp();
  const run = await serveChat(service, callWith(), request);
  credits.holds.clear();
  await foldChatEvents(run.events);
  expect(settlementErrors).toMatchObject([{ code: "billing_unavailable" }]);
});

test("a settlement whose answer was lost is not charged twice and reports no error", async () => {
  const { service, credits, settlementErrors } = setUp();
  const settle = credits.settle.bind(credits);
  credits.settle = async (settlement) => {
    credits.settle = settle;
    await settle(settlement);
    throw new Error("connection lost");
  };
  const run = await serveChat(service, callWith(), request);
  await foldChatEvents(run.events);
  expect(credits.entries).toMatchObject([{ amount: -23 }]);
  expect(settlementErrors).toEqual([]);
});

test("at the shutdown what is pending is settled first", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { service, credits } = setUp();
  const run = await serveChat(service, callWith(), request);
  credits.failures.settle.push(...Array.from({ length: 6 }, () => new Error("down")));
  const answer = foldChatEvents(run.events);
  await vi.advanceTimersByTimeAsync(15_000);
  await answer;
  expect(credits.entries).toEqual([]);
  const closed = service.close();
  await vi.advanceTimersByTimeAsync(1000);
  await closed;
  expect(credits.entries).toMatchObject([{ amount: -23 }]);
});

test("an account without credits is refused before its prompt is prepared", async () => {
  const { service, engine } = setUp({ granted: 0 });
  const prepare = vi.spyOn(engine, "prepare");
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(prepare).not.toHaveBeenCalled();
});

test("an account whose credits are all held has no further prompt prepared once that is known", async () => {
  const { service, engine } = setUp({ granted: 43, concurrency: 3 });
  await serveChat(service, callWith(), request);
  const prepare = vi.spyOn(engine, "prepare");
  for (let call = 0; call < 5; call += 1) {
    await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "quota_exceeded" });
  }
  expect(prepare).toHaveBeenCalledTimes(1);
});

test("a store whose balances can't be read refuses the call", async () => {
  const { service, credits } = setUp();
  credits.readBalance = () => Promise.reject(new Error("down"));
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "billing_unavailable" });
});

test("a free model is there for an account without credits, and its store is not asked for them", async () => {
  const engine = createFakeChatEngine();
  const credits = createFakeCreditStore(0);
  credits.readBalance = () => Promise.reject(new Error("down"));
  const service = createAiService({
    registry: createModelRegistry([fakeModel(engine)]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: () => {},
  });
  const run = await serveChat(service, callWith(), request);
  await expect(foldChatEvents(run.events)).resolves.toMatchObject({ choices: [{ text: "Hello world" }] });
});

test("an engine that reports more than was held for costs what was held", async () => {
  const { service, credits, engine } = setUp();
  engine.generate = async function* () {
    yield { type: "generation-start", cachedTokens: 0 };
    yield { type: "text-delta", text: "x", completionTokens: 100 };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 100, reasoningTokens: 0 };
  };
  const run = await serveChat(service, callWith(), request);
  await foldChatEvents(run.events);
  expect(credits.entries).toMatchObject([{ amount: -43, units: { outputTokens: 100 } }]);
});

test("a call that takes too long ends with an error and pays for what it produced", async () => {
  const { service, credits } = setUp({
    callTimeMsMax: 20,
    async beforeWord(index, signal) {
      if (index === 1) await new Promise((resolve) => signal.addEventListener("abort", resolve));
    },
  });
  const run = await serveChat(service, callWith(), request);
  await expect(foldChatEvents(run.events)).rejects.toMatchObject({ code: "call_timeout" });
  expect(credits.entries).toMatchObject([{ amount: -13 }]);
});

test("tokens per minute count what a call may use until it is known what it did", async () => {
  const { service, corrections } = setUp({ tokensPerMinute: 7 });
  const run = await serveChat(service, callWith(), request);
  await foldChatEvents(run.events);
  expect(corrections).toEqual([{ key: "tokens:ada", points: -2, limit: 7 }]);
});

test("a call that is refused for its credits, or by a store that fails, gets its tokens per minute back", async () => {
  const { service, corrections, credits } = setUp({ granted: 42, tokensPerMinute: 7 });
  const back = { key: "tokens:ada", points: -7, limit: 7 };
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(corrections).toEqual([back]);
  credits.failures.hold.push(new Error("disk full"));
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "billing_unavailable" });
  expect(corrections).toEqual([back, back]);
});

test("a call that leaves the queue gets its tokens per minute back", async () => {
  const { service, corrections, credits } = setUp({ tokensPerMinute: 7, concurrency: 1 });
  await serveChat(service, callWith(), request);
  const disconnect = new AbortController();
  const waiting = serveChat(service, callWith(disconnect.signal), request);
  await expect.poll(() => credits.holds.size).toBe(2);
  disconnect.abort();
  await expect(waiting).rejects.toMatchObject({ code: "cancelled" });
  expect(corrections).toEqual([{ key: "tokens:ada", points: -7, limit: 7 }]);
});

test("a call whose client disconnects is recorded as left, also when the engine throws something of its own", async () => {
  const disconnect = new AbortController();
  const { service, records } = setUp({
    beforeWord(index) {
      if (index === 0) return;
      disconnect.abort();
      throw new Error("native abort");
    },
  });
  const run = await serveChat(service, callWith(disconnect.signal), request);
  await expect(foldChatEvents(run.events)).rejects.toMatchObject({ code: "cancelled" });
  expect(records).toMatchObject([{ outcome: "left", chargedAmount: 13 }]);
});

test("a call that has ended leaves no timer and no listener behind", async () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const controller = new AbortController();
  const listening = vi.spyOn(controller.signal, "addEventListener");
  const stopped = vi.spyOn(controller.signal, "removeEventListener");
  const { service } = setUp();
  await foldChatEvents((await serveChat(service, callWith(controller.signal), request)).events);
  expect(vi.getTimerCount()).toBe(0);
  expect(listening.mock.calls.length).toBeGreaterThan(0);
  expect(stopped.mock.calls.length).toBe(listening.mock.calls.length);
});

test("a call beyond the tokens per minute is refused before it is held for", async () => {
  const { service, credits } = setUp({ tokensPerMinute: 6 });
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({
    code: "rate_limited",
    message: expect.stringContaining("Limit 6"),
  });
  expect(credits.holds.size).toBe(0);
});
