import { operations } from "@openai-compat/spec";
import { expect, test, vi } from "vitest";
import type { ModelLeases } from "../engine/chat-engine.ts";
import { AiError } from "../ai-error.ts";
import { createAiService } from "../ai-service.ts";
import type { CallRecord } from "../call-record.ts";
import { FREE_OF_CHARGE } from "../credits/prices.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { createFakeChatEngine, fakeModel } from "../testing/fake-chat-engine.ts";
import type { FakeChatEngineOptions } from "../testing/fake-chat-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { serveCompletion } from "../testing/serve-locally.ts";
import type { Named } from "../testing/serve-locally.ts";
import type { CompletionEvent, CompletionRequest } from "./completion-request.ts";
import { foldCompletionEvents } from "./fold-completion.ts";

/** A token costs one micro-credit to read and ten to write. */
const prices = { ...FREE_OF_CHARGE, perMillionInputTokens: 1_000_000, perMillionOutputTokens: 10_000_000 };

function setUp(options: FakeChatEngineOptions = {}, granted = 10_000) {
  const engine = createFakeChatEngine(options);
  const credits = createFakeCreditStore(granted);
  const records: CallRecord[] = [];
  const service = createAiService({
    registry: createModelRegistry([fakeModel(engine, { prices })]),
    credits,
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
    onCallEnd: (record) => void records.push(record),
  });
  const start = (overrides: Partial<Named<CompletionRequest>> = {}) =>
    serveCompletion(service, authoriseTestCall(operations.createCompletion), { ...request, ...overrides });
  const complete = async (overrides: Partial<Named<CompletionRequest>> = {}) =>
    foldCompletionEvents((await start(overrides)).events);
  return { engine, credits, records, start, complete };
}

const request: Named<CompletionRequest> = {
  model: "default",
  prompts: ["one two three"],
  suffix: null,
  choices: 1,
  candidates: 1,
  tokensMax: 16,
  stop: [],
  echo: false,
  topLogprobs: null,
  temperature: 1,
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 7,
  logitBias: {},
  stream: false,
};

test("an account without credits is refused before its prompts are prepared", async () => {
  const { engine, start } = setUp({}, 0);
  const prepare = vi.spyOn(engine, "prepareText");
  await expect(start()).rejects.toMatchObject({ code: "quota_exceeded" });
  expect(prepare).not.toHaveBeenCalled();
});

test("a text is continued, and returned with its usage under an id of its own", async () => {
  const { start } = setUp();
  const run = await start();
  expect(run).toMatchObject({ modelId: "fake", id: expect.stringMatching(/^cmpl-[0-9a-f]{32}$/) });
  expect(await foldCompletionEvents(run.events)).toEqual({
    choices: [{ index: 0, text: "Hello world", logprobs: null, finishReason: "stop" }],
    usage: { promptTokens: 3, completionTokens: 2, cachedTokens: 3, reasoningTokens: 0 },
  });
});

test("the choices of each prompt follow each other, and each prompt is counted once", async () => {
  const { complete, engine } = setUp();
  const { choices, usage } = await complete({ prompts: ["one two", "three"], choices: 2, candidates: 2, echo: true });
  expect(choices.map(({ text }) => text)).toEqual([
    "one twoHello world",
    "one twoHello world",
    "threeHello world",
    "threeHello world",
  ]);
  expect(usage).toMatchObject({ promptTokens: 3, completionTokens: 8 });
  expect(engine.requests.map(({ sampling }) => sampling.seed)).toEqual([7, 8, 7, 8]);
});

test("tokens are a prompt as they are", async () => {
  const { complete, engine } = setUp();
  expect((await complete({ prompts: [[5, 6]], echo: true })).choices[0]?.text).toBe("5 6Hello world");
  expect(engine.requests[0]).toMatchObject({ prompt: { tokens: [5, 6] }, style: "text" });
});

test("a limit of nothing writes nothing, and the prompt is paid for", async () => {
  const { complete, records } = setUp();
  const { choices } = await complete({ tokensMax: 0, echo: true });
  expect(choices).toEqual([{ index: 0, text: "one two three", logprobs: null, finishReason: "length" }]);
  expect(records[0]).toMatchObject({ outcome: "completed", chargedAmount: 3 });
});

test("an echoed prompt is reported with its probabilities, except for the first token", async () => {
  const { choices } = await setUp().complete({ echo: true, topLogprobs: 0 });
  expect(choices[0]?.logprobs?.map(({ text, logprob }) => [text, logprob])).toEqual([
    ["0", null],
    ["1", -1],
    ["2", -2],
    ["Hello", -0],
    [" world", -1],
  ]);
});

test("a prompt is scored once, and reported with its scores in all of its choices", async () => {
  const { complete, engine, records } = setUp();
  const judged = { choices: 2, candidates: 3 };
  const { choices, usage } = await complete({
    prompts: ["one two", "three"],
    echo: true,
    topLogprobs: 0,
    tokensMax: 1,
    ...judged,
  });
  expect(engine.requests.filter(({ scoresPrompt }) => scoresPrompt).map(({ prompt }) => prompt.tokens)).toEqual([
    [0, 1],
    [0],
  ]);
  expect(choices.map(({ text, logprobs }) => [text, logprobs?.map((token) => [token.text, token.logprob])])).toEqual(
    ["one two", "one two", "three", "three"].map((text) => [
      `${text}Hello`,
      [["0", null], ...(text === "three" ? [] : [["1", -1]]), ["Hello", -0]],
    ]),
  );
  expect(usage).toMatchObject({ promptTokens: 3, completionTokens: 6 });
  expect(records[0]?.chargedAmount).toBe(3 + 60);
});

test("no more tokens are echoed than an answer can hold", async () => {
  const { start, complete, engine } = setUp({ contextTokens: 4096 });
  const prompts = [Array.from({ length: 4096 }, () => 1)];
  const many = { prompts, choices: 65, candidates: 65, tokensMax: 0 };
  await expect(start({ ...many, echo: true })).rejects.toMatchObject({
    code: "invalid_value",
    param: "echo",
    message: "The choices would echo 266240 tokens; at most 262144 may be echoed at once.",
  });
  expect(engine.requests).toEqual([]);
  expect((await complete(many)).choices).toHaveLength(65);
});

test("fewer tokens are echoed with their log probabilities", async () => {
  const { start, complete } = setUp({ contextTokens: 4096 });
  const many = (choices: number) => ({
    prompts: [Array.from({ length: 4096 }, () => 1)],
    choices,
    candidates: choices,
    tokensMax: 0,
    echo: true,
    topLogprobs: 0,
  });
  await expect(start(many(17))).rejects.toMatchObject({
    code: "invalid_value",
    param: "echo",
    message: "The choices would echo 69632 tokens; at most 65536 may be echoed with their log probabilities at once.",
  });
  expect((await complete({ ...many(17), topLogprobs: null })).choices).toHaveLength(17);
  expect((await complete(many(16))).choices).toHaveLength(16);
});

test("all texts of an account share the engine's time", async () => {
  const { complete, engine } = setUp();
  await complete({ choices: 2, candidates: 2 });
  expect(engine.requests.length).toBeGreaterThan(1);
  expect(new Set(engine.requests.map(({ shareId }) => shareId))).toEqual(new Set(["ada"]));
});

test("texts are reproducible where a seed is given, and only there", async () => {
  for (const seed of [7, null]) {
    const { complete, engine } = setUp();
    await complete({ seed, temperature: 0 });
    expect(engine.requests.map(({ isReproducible }) => isReproducible)).toEqual([seed !== null]);
  }
});

test("without echo no prompt is scored", async () => {
  const { complete, engine } = setUp();
  await complete({ topLogprobs: 2 });
  expect(engine.requests[0]).toMatchObject({ scoresPrompt: false, topLogprobs: 2 });
});

test("the best of several texts are those whose tokens are likeliest, and all are paid for", async () => {
  const { engine, complete, records } = setUp();
  const likelihoods = [-3, -1, -2];
  const texts = likelihoods.map((logprob) => `about ${logprob}`);
  engine.generate = async function* generate({ sampling }) {
    const position = (sampling.seed ?? 0) - 7;
    const text = texts[position] ?? "";
    yield { type: "generation-start", cachedTokens: 0 };
    const logprobs = [{ text, bytes: [], logprob: likelihoods[position] ?? 0, top: [] }];
    yield { type: "text-delta", text, logprobs, completionTokens: 1 };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 1, reasoningTokens: 0 };
  };
  const { choices, usage } = await complete({ choices: 2, candidates: 3 });
  expect(choices).toEqual([
    { index: 0, text: "about -1", logprobs: null, finishReason: "stop" },
    { index: 1, text: "about -2", logprobs: null, finishReason: "stop" },
  ]);
  expect(usage.completionTokens).toBe(3);
  expect(records[0]?.chargedAmount).toBe(3 + 30);
});

test("no more generations of a call run at a time than its account has slots", async () => {
  let most = 0;
  const { engine, complete } = setUp({
    concurrency: 3,
    beforeWord: () => {
      most = Math.max(most, engine.running());
    },
  });
  expect((await complete({ prompts: Array.from({ length: 7 }, () => "one") })).choices).toHaveLength(7);
  expect(most).toBe(2);
});

test.each(["finished", "left"] as const)(
  "a model is leased from the first text of a %s call to its last",
  async (end) => {
    const log: string[] = [];
    const leases: ModelLeases = {
      async take() {
        log.push("taken");
        return { leaseId: "a" };
      },
      release: (leaseId) => void log.push(`${leaseId} released`),
    };
    const beforeWord = (index: number) => void (index === 0 && log.push("text"));
    const { engine, start } = setUp({ concurrency: 1, beforeWord, leases });
    for await (const event of (await start({ prompts: ["one", "two"] })).events) if (end === "left" && event) break;
    expect(log).toEqual(end === "left" ? ["taken", "text", "a released"] : ["taken", "text", "text", "a released"]);
    expect(new Set(engine.requests.map(({ leaseId }) => leaseId))).toEqual(new Set(["a"]));
  },
);

test("the hold covers every text that may be written, and what was not written is free again", async () => {
  const { start, credits, records } = setUp();
  const run = await start({ prompts: ["one", "two three"], candidates: 2, choices: 2 });
  expect([...credits.holds.values()].map(({ amount }) => amount)).toEqual([3 + 10 * 2 * 2 * 16]);
  await foldCompletionEvents(run.events);
  expect(records[0]).toMatchObject({ billedAs: "ai_prompt", chargedAmount: 3 + 10 * 8 });
});

test("an engine that breaks between two texts breaks the call, which pays for what there was", async () => {
  const { complete, records, engine, credits } = setUp({
    concurrency: 2,
    beforeWord: () => {
      if (engine.requests.length >= 3) throw new AiError("engine_failed", "It broke.");
    },
  });
  const judged = { prompts: ["one two", "three"], choices: 1, candidates: 2 };
  await expect(complete(judged)).rejects.toMatchObject({ code: "engine_failed" });
  const [{ usage, chargedAmount, outcome } = expect.fail("no record")] = records;
  expect(outcome).toBe("engine_failed");
  expect(usage.outputTokens).toBeGreaterThan(0);
  expect(chargedAmount).toBe(usage.inputTokens + 10 * usage.outputTokens);
  expect(engine.running()).toBe(0);
  expect(credits.holds.size).toBe(0);
});

test("a client that disconnects is charged for the prompts that were read and the text that was written", async () => {
  const { start, records, engine } = setUp({ concurrency: 1 });
  const run = await start({ prompts: ["one two", "three"] });
  const seen: CompletionEvent[] = [];
  for await (const event of run.events) {
    seen.push(event);
    if (event.type === "text-delta") break;
  }
  expect(seen).toHaveLength(1);
  expect(records[0]).toMatchObject({ outcome: "left", chargedAmount: 2 + 10 });
  expect(engine.running()).toBe(0);
});

test.each([
  [{ prompts: ["word ".repeat(70)] }, "context_length_exceeded", "prompt"],
  [{ prompts: ["x".repeat(64 * 33)] }, "context_length_exceeded", "prompt"],
  [{ prompts: Array.from({ length: 600 }, () => "one"), candidates: 2, choices: 2 }, "invalid_value", "prompt"],
  [{ suffix: "end" }, "unsupported_parameter", "suffix"],
  [{ logitBias: { 999_999: 1 } }, "invalid_value", "logit_bias"],
  [{ model: "nothing" }, "model_not_found", "model"],
] as const)("%o is refused with the code %s before any work", async (overrides, code, param) => {
  const { start, engine, records } = setUp();
  await expect(start(overrides)).rejects.toMatchObject({ code, param });
  expect(engine.requests).toEqual([]);
  expect(records).toEqual([]);
});

test("no prompt is tokenised where another one, or the suffix, is known to be too long", async () => {
  const { start, engine } = setUp();
  const prepare = vi.spyOn(engine, "prepareText");
  const long = "x".repeat(64 * 33);
  for (const overrides of [{ prompts: ["one", long] }, { suffix: long }]) {
    await expect(start(overrides)).rejects.toMatchObject({ code: "context_length_exceeded", param: "prompt" });
  }
  expect(prepare).not.toHaveBeenCalled();
});

test("between two prompts that are tokenised others get their turn", async () => {
  const { start, engine } = setUp();
  const order: string[] = [];
  const { prepareText } = engine;
  engine.prepareText = async (text, signal) => {
    setImmediate(() => order.push("other work"));
    order.push("prompt");
    return prepareText(text, signal);
  };
  await start({ prompts: ["one", "two"] });
  expect(order.slice(0, 3)).toEqual(["prompt", "other work", "prompt"]);
});

test("a prompt that just fits may be echoed, but not gone on with", async () => {
  const full = Array.from({ length: 64 }, () => "w").join(" ");
  const { complete } = setUp();
  expect((await complete({ prompts: [full], tokensMax: 0, echo: true })).choices[0]?.text).toBe(full);
  await expect(complete({ prompts: [full], tokensMax: 1 })).rejects.toMatchObject({ code: "context_length_exceeded" });
});

test("half a stream is never taken for a whole answer", async () => {
  async function* half(): AsyncGenerator<CompletionEvent> {
    yield { type: "text-delta", index: 0, text: "Half", logprobs: null };
  }
  await expect(foldCompletionEvents(half())).rejects.toMatchObject({ code: "engine_failed" });
});

const HONOURED = { contextTokens: 64, relaxed: [], refusal: null };

test("the texts of a scored prompt come after its scores, and only the scores of its own tokens are reported", async () => {
  const { complete, engine } = setUp({ concurrency: 8 });
  const token = (text: string, logprob: number) => ({ text, bytes: [], logprob, top: [] });
  engine.prepareText = async () => ({ ...HONOURED, tokens: [0, 1, 2, 3], text: "ab", textStart: 1, textEnd: 3 });
  engine.generate = async function* ({ scoresPrompt }) {
    yield { type: "generation-start", cachedTokens: 0 };
    if (scoresPrompt) {
      await new Promise((resolve) => setImmediate(resolve));
      const first = { ...token("a", -5), top: [token("x", -1)] };
      yield { type: "prompt-end", logprobs: [token("start", -9), first, token("b", -6), token("end", -7)] };
    }
    yield { type: "generation-end", finishReason: "stop", completionTokens: 0, reasoningTokens: 0 };
  };
  const { choices } = await complete({ echo: true, topLogprobs: 1, choices: 3, candidates: 3 });
  const ownScores = [{ ...token("a", 0), logprob: null }, token("b", -6)];
  expect(choices.map(({ text, logprobs }) => ({ text, logprobs }))).toEqual(
    [1, 2, 3].map(() => ({ text: "ab", logprobs: ownScores })),
  );
});

test("a prompt without a token has no scores", async () => {
  const { complete, engine } = setUp();
  engine.prepareText = async () => ({ ...HONOURED, tokens: [0], text: "", textStart: 1, textEnd: 1 });
  engine.generate = async function* () {
    yield { type: "generation-start", cachedTokens: 0 };
    yield { type: "prompt-end", logprobs: [{ text: "start", bytes: [], logprob: null, top: [] }] };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 0, reasoningTokens: 0 };
  };
  expect((await complete({ echo: true, topLogprobs: 0 })).choices).toMatchObject([{ text: "", logprobs: [] }]);
});

test("texts that are compared have probabilities, and others only where they were requested", async () => {
  const asked = async (overrides: Partial<CompletionRequest>) => {
    const { complete, engine } = setUp();
    await complete(overrides);
    return engine.requests.map(({ topLogprobs }) => topLogprobs);
  };
  expect(await asked({ choices: 1, candidates: 2 })).toEqual([0, 0]);
  expect(await asked({ choices: 1, candidates: 2, topLogprobs: 3 })).toEqual([3, 3]);
  expect(await asked({ choices: 2, candidates: 2 })).toEqual([null, null]);
});

test("a limit beyond the context is cut to what each prompt leaves of it", async () => {
  const { complete, engine } = setUp({ contextTokens: 10 });
  await complete({ prompts: ["one", "one two three"], tokensMax: 100 });
  expect(engine.requests.map(({ tokensMax }) => tokensMax)).toEqual([9, 7]);
});

test("a call that breaks before its first word costs nothing", async () => {
  const { complete, records } = setUp({
    beforeWord: () => {
      throw new AiError("engine_failed", "It broke.");
    },
  });
  await expect(complete()).rejects.toMatchObject({ code: "engine_failed" });
  expect(records).toMatchObject([{ outcome: "engine_failed", chargedAmount: 0, relaxed: [], streamed: false }]);
});

test("1,024 texts may be requested at once, and one more is refused with how many they are", async () => {
  const { start, complete } = setUp();
  const many = (prompts: number) => ({ prompts: Array.from({ length: prompts }, () => "one"), tokensMax: 0 });
  expect((await complete(many(1024))).choices).toHaveLength(1024);
  await expect(start(many(1025))).rejects.toMatchObject({
    message: "The prompts and their choices make 1025 texts; at most 1024 may be asked for at once.",
  });
});

test.each([
  [{ prompts: [Array.from({ length: 65 }, () => 1)] }, "your prompt resulted in more than 65 tokens"],
  [{ prompts: ["x".repeat(64 * 33)] }, "your prompt resulted in more than 66 tokens"],
  [{ prompts: ["word ".repeat(70).trim()] }, "your prompt resulted in 70 tokens"],
])("a refusal says how long the prompt is, at least", async (overrides, found) => {
  await expect(setUp().start(overrides)).rejects.toMatchObject({
    message:
      `This model's maximum context length is 64 tokens. However, ${found}, ` +
      "which leaves no room for an answer. Please reduce the length of the prompt.",
  });
});
