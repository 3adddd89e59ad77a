import { setImmediate as nextTurn } from "node:timers/promises";
import { operations } from "@openai-compat/spec";
import { expect, test, vi } from "vitest";
import { AiError } from "./ai-error.ts";
import { createAiService } from "./ai-service.ts";
import type { CallRecord } from "./call-record.ts";
import type { ChatEngine } from "./engine/chat-engine.ts";
import { FREE_TEXT } from "./engine/chat-output.ts";
import { createModelRegistry } from "./models/registry.ts";
import { foldChatEvents } from "./services/fold-chat.ts";
import type { ChatRequest } from "./services/chat-request.ts";
import { NO_TOKEN, createFakeChatEngine, fakeModel } from "./testing/fake-chat-engine.ts";
import type { FakeChatEngineOptions } from "./testing/fake-chat-engine.ts";
import { authoriseTestCall } from "./testing/authorise-test-call.ts";
import { serveChat } from "./testing/serve-locally.ts";
import type { Named } from "./testing/serve-locally.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "./testing/fake-stores.ts";

function setUp(options: FakeChatEngineOptions = {}) {
  const engine = createFakeChatEngine(options);
  return { engine, service: serviceOf(engine) };
}

function serviceOf(engine: ChatEngine) {
  return createAiService({
    registry: createModelRegistry([fakeModel(engine)]),
    credits: createFakeCreditStore(),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
    now: () => 1_000,
  });
}

function callWith(signal: AbortSignal = new AbortController().signal, can = ["*"]) {
  return authoriseTestCall(operations.createChatCompletion, { signal, can });
}

const request: Named<ChatRequest> = {
  model: "fake",
  messages: [{ role: "user", content: "one two three" }],
  choices: 1,
  tokensMax: null,
  stop: [],
  temperature: 1,
  topP: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 7,
  logitBias: {},
  output: FREE_TEXT,
  topLogprobs: null,
  stream: false,
};

test("a chat is answered with its text, its finish reason and exact usage", async () => {
  const { service } = setUp();
  const run = await serveChat(service, callWith(), { ...request, model: "default" });
  expect(run).toMatchObject({
    modelId: "fake",
    createdAtMs: 1_000,
    id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
  });
  expect(await foldChatEvents(run.events)).toEqual({
    choices: [{ index: 0, text: "Hello world", reasoning: "", toolCalls: [], logprobs: null, finishReason: "stop" }],
    usage: { promptTokens: 3, completionTokens: 2, cachedTokens: 3, reasoningTokens: 0 },
  });
});

test("several choices differ in seed, keep their index and count the prompt once", async () => {
  const { service, engine } = setUp();
  const run = await serveChat(service, callWith(), { ...request, choices: 3, seed: 2 ** 32 - 1 });
  const result = await foldChatEvents(run.events);
  expect(result.choices.map((choice) => choice.index)).toEqual([0, 1, 2]);
  expect(result.usage).toEqual({ promptTokens: 3, completionTokens: 6, cachedTokens: 3, reasoningTokens: 0 });
  expect(engine.requests.map((generation) => generation.sampling.seed)).toEqual([2 ** 32 - 1, 0, 1]);
});

test("a chat is reproducible where it has a seed, and only there", async () => {
  const { service, engine } = setUp();
  for (const seed of [7, null]) {
    await foldChatEvents((await serveChat(service, callWith(), { ...request, seed, temperature: 0 })).events);
    expect(engine.requests.at(-1)?.isReproducible).toBe(seed !== null);
  }
});

test("a negative seed is taken modulo 2³²", async () => {
  const { service, engine } = setUp();
  await foldChatEvents((await serveChat(service, callWith(), { ...request, seed: -1 })).events);
  expect(engine.requests[0]?.sampling.seed).toBe(2 ** 32 - 1);
});

test("a token limit beyond the context is cut to what is left of it", async () => {
  const { service, engine } = setUp({ contextTokens: 10 });
  await foldChatEvents((await serveChat(service, callWith(), { ...request, tokensMax: 4096 })).events);
  expect(engine.requests[0]?.tokensMax).toBe(7);
});

test("a prompt that fills the context is refused before any work, in the words that clients look for", async () => {
  const { service, engine } = setUp({ contextTokens: 3 });
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({
    code: "context_length_exceeded",
    param: "messages",
    message:
      "This model's maximum context length is 3 tokens. However, your messages resulted in 3 tokens, " +
      "which leaves no room for an answer. Please reduce the length of the messages.",
  });
  expect(engine.requests).toEqual([]);
});

const LONG = "x".repeat(4 * 32 + 1);

const LONG_TOOL = {
  name: "f",
  description: LONG,
  parameters: null,
  isStrict: false,
  kind: "function" as const,
  schemaParam: "tools[0].function.parameters",
};

test.each<[string, Partial<ChatRequest>]>([
  ["text", { messages: [{ role: "user", content: LONG }] }],
  ["name", { messages: [{ role: "user", content: "", name: LONG }] }],
  [
    "tool call",
    { messages: [{ role: "assistant", content: "", toolCalls: [{ id: "1", name: "f", arguments: LONG }] }] },
  ],
  ["answer to a tool call", { messages: [{ role: "tool", content: "", toolCallId: LONG }] }],
  ["list of empty messages", { messages: Array.from({ length: 5 }, () => ({ role: "user", content: "" })) }],
  ["tool", { output: { ...FREE_TEXT, toolUse: { tools: [LONG_TOOL], mode: "auto", parallel: true } } }],
  ["schema", { output: { ...FREE_TEXT, format: { type: "json-schema", schema: { title: LONG }, isStrict: true } } }],
])("an absurdly long %s is refused without being tokenised", async (_case, overrides) => {
  const { service, engine } = setUp({ contextTokens: 4 });
  engine.prepare = async () => {
    throw new Error("tokenised");
  };
  await expect(serveChat(service, callWith(), { ...request, ...overrides })).rejects.toMatchObject({
    code: "context_length_exceeded",
  });
});

test.each<[string, (count: number) => ChatRequest["messages"]]>([
  ["messages", (count) => Array.from({ length: count }, () => ({ role: "user", content: "a" }))],
  [
    "tool calls",
    (count) => [
      {
        role: "assistant",
        content: "",
        toolCalls: Array.from({ length: count }, () => ({ id: "1", name: "f", arguments: "{}" })),
      },
    ],
  ],
])("a chat has at most 2,048 %s, however long the context is", async (what, many) => {
  const { service } = setUp({ contextTokens: 100_000 });
  await foldChatEvents((await serveChat(service, callWith(), { ...request, messages: many(2048) })).events);
  await expect(serveChat(service, callWith(), { ...request, messages: many(2049) })).rejects.toMatchObject({
    code: "invalid_value",
    param: "messages",
    message: expect.stringContaining(`at most 2048 ${what}, but this one has 2049`),
  });
});

test("what a model reasons is passed on and counted, and what was cached is the first choice's prompt", async () => {
  const { service, engine } = setUp();
  engine.generate = async function* ({ sampling }) {
    yield { type: "generation-start", cachedTokens: sampling.seed };
    yield { type: "reasoning-delta", text: "Hm", completionTokens: 2 };
    yield { type: "text-delta", text: "Yes", completionTokens: 3 };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 3, reasoningTokens: 2 };
  };
  const { events } = await serveChat(service, callWith(), { ...request, choices: 2, seed: 1 });
  const { choices, usage } = await foldChatEvents(events);
  expect(choices).toMatchObject([
    { reasoning: "Hm", text: "Yes" },
    { reasoning: "Hm", text: "Yes" },
  ]);
  expect(usage).toEqual({ promptTokens: 3, completionTokens: 6, cachedTokens: 1, reasoningTokens: 4 });
});

test("what the model can't honour is refused before any work", async () => {
  const { service, engine } = setUp();
  const refused = serveChat(service, callWith(), { ...request, logitBias: { [NO_TOKEN]: 1 } });
  await expect(refused).rejects.toMatchObject({ code: "invalid_value", param: "logit_bias" });
  expect(engine.requests).toEqual([]);
});

test("ending the iteration aborts the other choices at once, in any state", async () => {
  const { service, engine } = setUp({
    concurrency: 3,
    beforeWord: (index, signal) =>
      index === 0
        ? undefined
        : new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("left")), { once: true })),
  });
  const run = await serveChat(service, callWith(), { ...request, choices: 2 });
  for await (const event of run.events) if (event.type === "text-delta") break;
  expect(engine.running()).toBe(0);
});

test("an engine that breaks in the middle gives an internal error and its slot back", async () => {
  const { service, engine } = setUp({
    concurrency: 1,
    beforeWord: (index) => {
      if (index === 1) throw new Error("native failure");
    },
  });
  for (let round = 0; round < 2; round += 1) {
    const run = await serveChat(service, callWith(), request);
    await expect(foldChatEvents(run.events)).rejects.toMatchObject({
      code: "internal",
      message: expect.not.stringContaining("native"),
    });
  }
  expect(engine.running()).toBe(0);
});

test("a client that disconnects stops its generation and the next call gets the slot", async () => {
  const { service, engine } = setUp({
    concurrency: 1,
    beforeWord: (index, signal) =>
      index === 0
        ? undefined
        : new Promise((_, reject) => signal.addEventListener("abort", () => reject(new Error("left")), { once: true })),
  });
  const controller = new AbortController();
  const run = await serveChat(service, callWith(controller.signal), request);
  const waiting = serveChat(service, callWith(), request);
  for await (const event of run.events) if (event.type === "text-delta") break;
  controller.abort();
  await expect(waiting).resolves.toMatchObject({ modelId: "fake" });
  expect(engine.running()).toBe(0);
});

test("a run that is not read gives its slot back when it is closed", async () => {
  const { service } = setUp({ concurrency: 1 });
  const run = await serveChat(service, callWith(), request);
  const waiting = serveChat(service, callWith(), request);
  await run.events[Symbol.asyncIterator]().return?.();
  await expect(waiting).resolves.toMatchObject({ modelId: "fake" });
});

test("an aborted call is cancelled, and an abort with a reason of ours keeps that reason", async () => {
  const { service } = setUp();
  await expect(serveChat(service, callWith(AbortSignal.abort()), request)).rejects.toMatchObject({ code: "cancelled" });
  const reason = new AiError("shutting_down", "The server is shutting down.");
  await expect(serveChat(service, callWith(AbortSignal.abort(reason)), request)).rejects.toBe(reason);
});

test("a queue that is full refuses the next caller", async () => {
  const { service } = setUp({ concurrency: 1 });
  const controller = new AbortController();
  await serveChat(service, callWith(), request);
  const waiting = [1, 2].map(() => serveChat(service, callWith(controller.signal), request));
  await Promise.resolve();
  await expect(serveChat(service, callWith(), request)).rejects.toMatchObject({ code: "queue_full" });
  controller.abort();
  await Promise.allSettled(waiting);
});

test.each([
  [1, 1],
  [4, 3],
])(
  "of %i slots the choices of one chat take %i at a time, and another account's chat does not wait for all of them",
  async (concurrency, share) => {
    const gate = Promise.withResolvers<void>();
    let most = 0;
    const { service, engine } = setUp({
      concurrency,
      beforeWord: async () => {
        most = Math.max(most, engine.running());
        await gate.promise;
      },
    });
    const greedy = foldChatEvents((await serveChat(service, callWith(), { ...request, choices: 128 })).events);
    await vi.waitFor(() => expect(engine.running()).toBe(share));
    await nextTurn();
    expect({ running: engine.running(), most }).toEqual({ running: share, most: share });
    const call = authoriseTestCall(operations.createChatCompletion, { accountId: "victim" });
    const victim = serveChat(service, call, request).then((run) => foldChatEvents(run.events));
    gate.resolve();
    await victim;
    expect(engine.requests.length).toBeLessThan(32);
    expect((await greedy).choices).toHaveLength(128);
    expect(service.queues()).toEqual([{ modelId: "fake", running: 0, waiting: 0 }]);
  },
);

test("a call without the capability does not pass", () => {
  expect(() => callWith(undefined, ["READ"])).toThrow(expect.objectContaining({ code: "capability_missing" }));
});

test("what of its schemas is not enforced is reported with the run, and with the call when it has ended", async () => {
  const relaxed = [{ param: "tools[0].function.parameters", pointer: "/properties/a", keyword: "not" }];
  const records: CallRecord[] = [];
  const engine = createFakeChatEngine({});
  const prepare: ChatEngine["prepare"] = async (...asked) => ({ ...(await engine.prepare(...asked)), relaxed });
  const service = createAiService({
    registry: createModelRegistry([fakeModel({ ...engine, prepare })]),
    credits: createFakeCreditStore(),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onCallEnd: (record) => void records.push(record),
    onSettlementError: (error) => {
      throw error;
    },
  });
  const run = await serveChat(service, callWith(), request);
  expect(run.relaxed).toEqual(relaxed);
  await foldChatEvents(run.events);
  expect(records).toMatchObject([{ outcome: "completed", relaxed }]);
});

test("the input of a custom tool is taken out of its arguments, in each choice by itself, beside a function's arguments", async () => {
  const pieces = ['{"in', 'put": "a\\', "n\\ud83d", '\\ude00"', "}"];
  const generate: ChatEngine["generate"] = async function* () {
    yield { type: "generation-start", cachedTokens: 0 };
    for (const name of ["patch", "f"]) {
      yield { type: "tool-call-start", name, completionTokens: 1 };
      for (const text of pieces) yield { type: "tool-call-delta", text, completionTokens: 2 };
    }
    yield { type: "generation-end", finishReason: "tool-calls", completionTokens: 3, reasoningTokens: 0 };
  };
  const service = createAiService({
    registry: createModelRegistry([fakeModel({ ...createFakeChatEngine({}), generate })]),
    credits: createFakeCreditStore(),
    rateLimits: NO_RATE_LIMITS,
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
  });
  const tools = [
    { ...LONG_TOOL, description: null },
    { ...LONG_TOOL, description: null, kind: "custom" as const, name: "patch" },
  ];
  const output: ChatRequest["output"] = { ...FREE_TEXT, toolUse: { tools, mode: "auto", parallel: true } };
  const { events } = await serveChat(service, callWith(), { ...request, choices: 2, output });
  const { choices } = await foldChatEvents(events);
  const id = expect.stringMatching(/^call_/);
  for (const { toolCalls } of choices) {
    expect(toolCalls).toEqual([
      { id, kind: "custom", name: "patch", text: "a\n😀" },
      { id, kind: "function", name: "f", text: pieces.join("") },
    ]);
  }
  expect(choices).toHaveLength(2);
});

test("the choices of a chat share a lease of the model, and one alone takes none", async () => {
  const leases = { take: vi.fn(async () => ({ leaseId: "a" })), release: vi.fn() };
  const { service, engine } = setUp({ leases });
  await foldChatEvents((await serveChat(service, callWith(), { ...request, choices: 3 })).events);
  expect([leases.take.mock.calls.length, leases.release.mock.calls]).toEqual([1, [["a"]]]);
  await foldChatEvents((await serveChat(service, callWith(), request)).events);
  expect(leases.take).toHaveBeenCalledOnce();
  expect(engine.requests.map(({ leaseId }) => leaseId)).toEqual(["a", "a", "a", null]);
});

test("a model that was trained for less than its settings allow is known for it from its first prompt on", async () => {
  const engine = createFakeChatEngine({ contextTokens: 1000 });
  const prepare = vi.fn<ChatEngine["prepare"]>(async (...asked) => ({
    ...(await engine.prepare(...asked)),
    contextTokens: 4,
  }));
  const service = serviceOf({ ...engine, prepare });
  const ask = (content: string) =>
    serveChat(service, callWith(), { ...request, messages: [{ role: "user", content }] });
  await foldChatEvents((await ask("one two three")).events);
  expect(engine.requests.map(({ tokensMax }) => tokensMax)).toEqual([1]);
  await expect(ask("one two three four")).rejects.toMatchObject({
    code: "context_length_exceeded",
    message: expect.stringContaining("maximum context length is 4 tokens"),
  });
  expect(prepare).toHaveBeenCalledTimes(2);
  await expect(ask("x".repeat(4 * 32 + 1))).rejects.toMatchObject({ code: "context_length_exceeded" });
  expect(prepare).toHaveBeenCalledTimes(2);
});

test("a prompt that is too long is refused before what else can't be honoured", async () => {
  const { service } = setUp();
  const long = { ...request, messages: [{ role: "user" as const, content: "word ".repeat(64) }] };
  const biased = { logitBias: { [NO_TOKEN]: 1 } };
  await expect(serveChat(service, callWith(), { ...request, ...biased })).rejects.toMatchObject({
    code: "invalid_value",
  });
  await expect(serveChat(service, callWith(), { ...long, ...biased })).rejects.toMatchObject({
    code: "context_length_exceeded",
  });
});
