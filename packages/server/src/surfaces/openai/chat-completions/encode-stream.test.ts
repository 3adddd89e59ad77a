import { AiError, FREE_OF_CHARGE } from "@openai-compat/core";
import type { ChatEvent, ChatRun } from "@openai-compat/core";
import { createChatCompletionStreamResponseSchema, errorResponseSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { encodeChatCompletionStream } from "./encode-stream.ts";

const EVENTS: ChatEvent[] = [
  { type: "choice-start", index: 0 },
  { type: "choice-start", index: 1 },
  { type: "text-delta", index: 1, text: "b", logprobs: null },
  { type: "text-delta", index: 0, text: "a", logprobs: null },
  { type: "choice-end", index: 0, finishReason: "stop" },
  { type: "choice-end", index: 1, finishReason: "length" },
  { type: "chat-end", usage: { promptTokens: 3, completionTokens: 2, reasoningTokens: 0, cachedTokens: 1 } },
];

const SAMPLING = {
  temperature: 1,
  topP: 1,
  topK: 0,
  minP: 0,
  repeatPenalty: 1,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 0,
  logitBias: {},
};

const CHECKPOINT = {
  requestId: "req_1",
  operation: "ai_prompt" as const,
  modelId: "m",
  prices: FREE_OF_CHARGE,
  holds: [],
  units: null,
};

function createRun(events: AsyncIterable<ChatEvent>): ChatRun {
  const facts = { id: "chatcmpl-1", createdAtMs: 1_700_000_000_999, modelId: "m", checkpoint: () => CHECKPOINT };
  return { ...facts, relaxed: [], sampling: SAMPLING, events };
}

async function* replay(events: readonly ChatEvent[], failure?: Error): AsyncGenerator<ChatEvent> {
  yield* events;
  if (failure !== undefined) throw failure;
}

async function encode(events: AsyncIterable<ChatEvent>, options: object = {}, signal = new AbortController().signal) {
  const all = { includeUsage: false, includeObfuscation: false, mayCallTools: false, ...options };
  const data: string[] = [];
  for await (const event of encodeChatCompletionStream(createRun(events), all, { signal, onError: () => {} })) {
    expect(event).toMatch(/^data: .+\n\n$/);
    data.push(event.slice("data: ".length, -2));
  }
  return data;
}

const parse = (data: readonly string[]) =>
  data.map((json) => createChatCompletionStreamResponseSchema.parse(JSON.parse(json)));

test("each choice has one role first, its text, and one finish reason last", async () => {
  const data = await encode(replay(EVENTS));
  expect(data.pop()).toBe("[DONE]");
  const choices = parse(data).flatMap((chunk) => chunk.choices);
  for (const [index, text, finish] of [
    [0, "a", "stop"],
    [1, "b", "length"],
  ] as const) {
    const own = choices.filter((choice) => choice.index === index);
    expect(own.map((choice) => choice.delta.role)).toEqual(["assistant", undefined, undefined]);
    expect(own.map((choice) => choice.delta.content ?? "").join("")).toBe(text);
    expect(own.map((choice) => choice.finish_reason)).toEqual([null, null, finish]);
  }
});

test("all chunks of a stream share id, time and model", async () => {
  const chunks = parse((await encode(replay(EVENTS))).slice(0, -1));
  for (const chunk of chunks) expect(chunk).toMatchObject({ id: "chatcmpl-1", created: 1_700_000_000, model: "m" });
});

test("without being asked, a stream says nothing of usage", async () => {
  const chunks = parse((await encode(replay(EVENTS))).slice(0, -1));
  expect(chunks).toHaveLength(6);
  for (const chunk of chunks) expect(chunk).not.toHaveProperty("usage");
});

test("when asked, usage comes once, in a last chunk without choices, and is null before", async () => {
  const chunks = parse((await encode(replay(EVENTS), { includeUsage: true })).slice(0, -1));
  const last = chunks.pop();
  expect(last).toMatchObject({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } });
  expect(chunks.map((chunk) => chunk.usage)).toEqual(chunks.map(() => null));
});

test("obfuscated chunks hide how long their text is", async () => {
  const chunks = parse((await encode(replay(EVENTS), { includeObfuscation: true })).slice(0, -1));
  const lengths = chunks.map(
    (chunk) => (chunk.choices[0]?.delta.content ?? "").length + (chunk.obfuscation ?? "").length,
  );
  expect(lengths).toEqual(chunks.map(() => 32));
});

test("a failure in the middle is the last event, and no [DONE] follows", async () => {
  const data = await encode(replay(EVENTS.slice(0, 3), new AiError("engine_failed", "Broke.")));
  expect(errorResponseSchema.parse(JSON.parse(data.at(-1) ?? "")).error).toMatchObject({
    message: "Broke.",
    type: "server_error",
    code: "engine_failed",
  });
  expect(data).toHaveLength(4);
});

test("an aborted call ends with the reason of its abort", async () => {
  const signal = AbortSignal.abort(new AiError("shutting_down", "Stopping."));
  const data = await encode(replay([], new Error("inner")), {}, signal);
  expect(data.map((json) => JSON.parse(json))).toMatchObject([{ error: { code: "server_shutting_down" } }]);
});
