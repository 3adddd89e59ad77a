/** The official SDK in each major version that is in use, against a listening server. */

import OpenAI7, * as sdk7 from "openai";
import OpenAI5, * as sdk5 from "openai-v5";
import OpenAI6, * as sdk6 from "openai-v6";
import { AiError } from "@openai-compat/core";
import type { AiErrorCode, ChatEngine } from "@openai-compat/core";
import { createScriptedEmbeddingEngine, createScriptedEngine } from "@openai-compat/engines";
import { afterAll, expect, test, vi } from "vitest";
import { startTestServer } from "./testing/test-server.ts";
import { createWatchedEngine } from "./testing/watched-engine.ts";

/** Fails with the code that the prompt spells. */
function createFailingEngine(): ChatEngine {
  return {
    ...createScriptedEngine(),
    prepare: ({ messages }) => Promise.reject(new AiError(messages[0]?.content as AiErrorCode, "No.")),
  };
}

const watched = createWatchedEngine();
const target = await startTestServer({
  models: [
    { id: "org/scripted", name: "Scripted", isDefault: true },
    { id: "watched", engine: watched },
    { id: "failing", engine: createFailingEngine() },
    { id: "broken", engine: { ...createScriptedEngine(), generate: breakAfterOneWord } },
    { id: "words", type: "embedding", engine: createScriptedEmbeddingEngine() },
  ],
});
afterAll(() => target.server.close());

async function* breakAfterOneWord() {
  yield { type: "generation-start" as const, cachedTokens: 0 };
  yield { type: "text-delta" as const, text: "Half", completionTokens: 1 };
  throw new AiError("engine_failed", "The engine broke.");
}

const options = { baseURL: target.baseUrl, apiKey: target.keys.key, maxRetries: 0, logLevel: "off" as const };
const sdks = [
  { version: 7, client: new OpenAI7(options), errors: sdk7 },
  // The majors share these calls; their types differ in details that are not used here.
  { version: 6, client: new OpenAI6(options) as unknown as OpenAI7, errors: sdk6 },
  { version: 5, client: new OpenAI5(options) as unknown as OpenAI7, errors: sdk5 },
];
const messages = [{ role: "user" as const, content: "Tell me about the sea." }];
const chat = { model: "org/scripted", messages, seed: 3 };

test.each(sdks)("SDK $version lists and retrieves models", async ({ client }) => {
  const ids = [];
  for await (const model of client.models.list()) ids.push(model.id);
  expect(ids).toEqual(["org/scripted", "watched", "failing", "broken", "words"]);
  expect((await client.models.retrieve("org/scripted")).id).toBe("org/scripted");
});

test.each(sdks)("SDK $version goes on with texts; its stream is the non-streaming answer", async ({ client }) => {
  const request = {
    model: "org/scripted",
    prompt: ["The sea is wide.", "Rain falls."],
    echo: true,
    logprobs: 1,
    seed: 3,
  };
  const { choices, usage } = await client.completions.create(request);
  expect(choices.map(({ text }) => text.slice(0, 8))).toEqual(["The sea ", "Rain fal"]);
  expect(usage?.completion_tokens).toBe(2 * 16);
  const texts = ["", ""];
  for await (const { choices: pieces } of await client.completions.create({ ...request, stream: true })) {
    for (const { index, text } of pieces) texts[index] += text;
  }
  expect(texts).toEqual(choices.map(({ text }) => text));
});

test.each(sdks)("SDK $version embeds; its own base64 and plain numbers are the same vectors", async ({ client }) => {
  const request = { model: "words", input: ["The sea is wide.", "Rain falls."] };
  const decoded = await client.embeddings.create(request);
  const plain = await client.embeddings.create({ ...request, encoding_format: "float" });
  expect(plain.data).toHaveLength(2);
  expect(decoded.data).toEqual(plain.data);
});

test.each(sdks)("SDK $version chats, and its stream says the same", async ({ client }) => {
  const { data, request_id: requestId } = await client.chat.completions.create(chat).withResponse();
  expect(requestId).toMatch(/^req_/);
  const stream = await client.chat.completions.create({
    ...chat,
    stream: true,
    stream_options: { include_usage: true },
  });
  let text = "";
  let usage;
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? "";
    usage = chunk.usage ?? usage;
  }
  expect(text).toBe(data.choices[0]?.message.content);
  expect(text.length).toBeGreaterThan(0);
  expect(usage?.total_tokens).toBe(data.usage?.total_tokens);
});

test.each(sdks)("SDK $version's stream helper is content with every chunk", async ({ client }) => {
  const whole = await client.chat.completions.create({ ...chat, n: 1 });
  const final = await client.chat.completions.stream(chat).finalChatCompletion();
  expect(final.choices[0]?.message.content).toBe(whole.choices[0]?.message.content);
  expect(final.choices[0]?.finish_reason).toBe("stop");
});

const ERROR_CLASSES = [
  ["invalid_request", "BadRequestError"],
  ["context_length_exceeded", "BadRequestError"],
  ["invalid_credentials", "AuthenticationError"],
  ["capability_missing", "PermissionDeniedError"],
  ["model_not_found", "NotFoundError"],
  ["queue_full", "RateLimitError"],
  ["engine_failed", "InternalServerError"],
  ["shutting_down", "InternalServerError"],
] as const;

test.each(sdks)("SDK $version throws the right class for each kind of error", async ({ client, errors }) => {
  for (const [code, className] of ERROR_CLASSES) {
    for (const stream of [false, true]) {
      const failing = client.chat.completions.create({
        model: "failing",
        messages: [{ role: "user", content: code }],
        stream,
      });
      const error = await failing.then(
        () => null,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(errors[className]);
      expect(error).toMatchObject({ requestID: expect.stringMatching(/^req_/), type: expect.any(String) });
    }
  }
});

test.each(sdks)(
  "SDK $version learns of an engine that breaks in the middle of a stream",
  async ({ client, errors }) => {
    const stream = await client.chat.completions.create({ ...chat, model: "broken", stream: true });
    const texts: string[] = [];
    const reading = (async () => {
      for await (const chunk of stream) texts.push(chunk.choices[0]?.delta.content ?? "");
    })();
    await expect(reading).rejects.toBeInstanceOf(errors.APIError);
    expect(texts.join("")).toBe("Half");
  },
);

test.each(sdks)("ending the iteration of SDK $version's stream frees the engine", async ({ client }) => {
  const stream = await client.chat.completions.create({ ...chat, model: "watched", stream: true });
  let chunks = 0;
  for await (const _chunk of stream) {
    chunks += 1;
    if (chunks === 3) break;
  }
  await vi.waitFor(() => expect(watched.running()).toBe(0), { timeout: 2000 });
});

test("the SDK tries a busy model again, but not a model that can't be loaded", async () => {
  const calls: Response[] = [];
  const client = new OpenAI7({
    ...options,
    maxRetries: 1,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      calls.push(response);
      return response;
    },
  });
  const failWith = (content: string) =>
    client.chat.completions.create({ model: "failing", messages: [{ role: "user", content }] }).catch(() => null);
  await failWith("queue_full");
  expect(calls).toHaveLength(2);
  await failWith("engine_unavailable");
  expect(calls).toHaveLength(3);
});
