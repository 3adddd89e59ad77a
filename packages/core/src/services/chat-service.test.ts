import { operations } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createAiService } from "../ai-service.ts";
import type { ChatMessage } from "../engine/chat-engine.ts";
import { FREE_TEXT } from "../engine/chat-output.ts";
import { createModelRegistry } from "../models/registry.ts";
import { authoriseTestCall } from "../testing/authorise-test-call.ts";
import { createFakeChatEngine, fakeModel } from "../testing/fake-chat-engine.ts";
import type { FakeChatEngineOptions } from "../testing/fake-chat-engine.ts";
import { NO_RATE_LIMITS, createFakeCreditStore } from "../testing/fake-stores.ts";
import { serveChat } from "../testing/serve-locally.ts";
import type { Named } from "../testing/serve-locally.ts";
import type { ChatEvent, ChatRequest } from "./chat-request.ts";

function setUp(options: FakeChatEngineOptions = {}) {
  const engine = createFakeChatEngine(options);
  const expected: number[] = [];
  const service = createAiService({
    registry: createModelRegistry([fakeModel(engine)]),
    credits: createFakeCreditStore(),
    rateLimits: {
      ...NO_RATE_LIMITS,
      async takeTokens(_accountId, tokens) {
        expected.push(tokens);
        return async () => {};
      },
    },
    callTimeMsMax: 60_000,
    onSettlementError: (error) => {
      throw error;
    },
  });
  const chat = async (overrides: Partial<Named<ChatRequest>> = {}) => {
    const run = await serveChat(service, authoriseTestCall(operations.createChatCompletion), {
      ...request,
      ...overrides,
    });
    const events: ChatEvent[] = [];
    for await (const event of run.events) events.push(event);
    return events;
  };
  return { engine, expected, chat };
}

const request: Named<ChatRequest> = {
  model: "fake",
  messages: [{ role: "user", content: "one two three" }],
  choices: 1,
  tokensMax: 4,
  stop: ["end"],
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

test("what counts against tokens per minute is all that was requested, and of an answer without a limit the prompt", async () => {
  const { chat, expected } = setUp();
  await chat({ choices: 2 });
  await chat({ tokensMax: null });
  expect(expected).toEqual([3 + 2 * 4, 3]);
});

test("an engine is asked for an answer to a chat, of which the prompt is not scored", async () => {
  const { chat, engine } = setUp();
  await chat();
  expect(engine.requests).toMatchObject([{ style: "chat", scoresPrompt: false, stop: ["end"], tokensMax: 4 }]);
});

test("all choices of an account share the engine's time", async () => {
  const { chat, engine } = setUp();
  await chat({ choices: 2 });
  expect(engine.requests.map(({ shareId }) => shareId)).toEqual(["ada", "ada"]);
});

test("what an engine tells of a prompt is no part of a chat", async () => {
  const { chat, engine } = setUp();
  engine.generate = async function* () {
    yield { type: "generation-start", cachedTokens: 0 };
    yield { type: "prompt-end", logprobs: [] };
    yield { type: "generation-end", finishReason: "stop", completionTokens: 0, reasoningTokens: 0 };
  };
  expect((await chat()).map(({ type }) => type)).toEqual(["choice-start", "choice-end", "chat-end"]);
});

test("the pieces of calls say of which kind and which call they are, and none is empty", async () => {
  const { chat, engine } = setUp();
  engine.generate = async function* () {
    yield { type: "generation-start", cachedTokens: 0 };
    for (const name of ["patch", "f"]) {
      yield { type: "tool-call-start", name, completionTokens: 1 };
      for (const text of ['{"input":', '"a"', "}"]) yield { type: "tool-call-delta", text, completionTokens: 2 };
    }
    yield { type: "generation-end", finishReason: "tool-calls", completionTokens: 2, reasoningTokens: 0 };
  };
  const tool = { description: null, parameters: null, isStrict: false, schemaParam: "tools[0].custom" };
  const tools = [
    { ...tool, kind: "custom" as const, name: "patch" },
    { ...tool, kind: "function" as const, name: "f" },
  ];
  const events = await chat({ output: { ...FREE_TEXT, toolUse: { tools, mode: "auto", parallel: true } } });
  expect(
    events.flatMap((event) => (event.type === "tool-call-delta" ? [[event.callIndex, event.kind, event.text]] : [])),
  ).toEqual([
    [0, "custom", "a"],
    [1, "function", '{"input":'],
    [1, "function", '"a"'],
    [1, "function", "}"],
  ]);
  expect(events.flatMap((event) => (event.type === "tool-call-start" ? [event.kind] : []))).toEqual([
    "custom",
    "function",
  ]);
});

const letters = (length: number) => "x".repeat(length);
/** Of four tokens, the least that 128 characters come to. */
const contextTokens = 4;

test.each<[string, (length: number) => ChatMessage]>([
  ["content", (length) => ({ role: "user", content: letters(length) })],
  ["content and a name", (length) => ({ role: "user", content: letters(length - 9), name: letters(9) })],
  ["an answer to a call", (length) => ({ role: "tool", content: letters(length - 9), toolCallId: letters(9) })],
  [
    "a call",
    (length) => ({
      role: "assistant",
      content: "",
      toolCalls: [{ id: letters(20), name: letters(30), arguments: letters(length - 50) }],
    }),
  ],
])("as many characters of %s as the context may hold are tokenised, and one more is not", async (_what, message) => {
  const { chat, engine } = setUp({ contextTokens });
  await chat({ messages: [message(32 * contextTokens)] });
  engine.prepare = async () => {
    throw new Error("tokenised");
  };
  await expect(chat({ messages: [message(32 * contextTokens + 1)] })).rejects.toMatchObject({
    code: "context_length_exceeded",
    message: expect.stringContaining("your messages resulted in more than 4 tokens, which leaves"),
  });
});

test("where there are as many messages as calls of tools, the messages are what is too many", async () => {
  const { chat } = setUp({ contextTokens: 1_000_000 });
  const toolCalls = [{ id: "1", name: "f", arguments: "{}" }];
  const messages = Array.from({ length: 2049 }, () => ({ role: "assistant" as const, content: "", toolCalls }));
  await expect(chat({ messages })).rejects.toMatchObject({
    message: "Invalid 'messages': a chat may have at most 2048 messages, but this one has 2049.",
  });
});
