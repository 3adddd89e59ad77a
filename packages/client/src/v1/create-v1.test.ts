/** `client.v1` against the whole server on scripted engines, over HTTP. */

import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { startScriptedServer } from "@openai-compat/server/scripted-server";
import { expect, onTestFinished, test } from "vitest";
import { ClientError, createClient } from "../index.ts";
import type { ClientOptions } from "../index.ts";

async function startServer(options: Partial<ClientOptions> = {}) {
  const { server, baseUrl, keys } = await startScriptedServer();
  onTestFinished(() => server.close());
  return createClient({ baseURL: baseUrl, token: keys.key, ...options });
}

const messages = [{ role: "user" as const, content: "Say something." }];

test("it lists models and describes one", async () => {
  const { v1 } = await startServer();
  const list = await v1.listModels();
  expect(list.data.map(({ id }) => id)).toEqual([
    "scripted-chat",
    "scripted-embedding",
    "scripted-transcription",
    "scripted-speech",
  ]);
  expect((await v1.retrieveModel({ model: "scripted-chat" })).owned_by).toBe("scripted");
});

test("a streamed chat has the text of the non-streaming one", async () => {
  const { v1 } = await startServer();
  const whole = await v1.createChatCompletion({ model: "scripted-chat", messages, seed: 1 });
  const stream = await v1.createChatCompletion({ model: "scripted-chat", messages, seed: 1, stream: true });
  let text = "";
  for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? "";
  expect(text).toBe(whole.choices[0]?.message.content);
  expect(text).not.toBe("");
  expect(stream.requestId).toMatch(/./);
});

test("an error of the server says what it is, without the credential", async () => {
  const { v1 } = await startServer();
  const missing = await v1.createChatCompletion({ model: "nope", messages }).catch((error: unknown) => error);
  expect(missing).toBeInstanceOf(ClientError);
  expect(missing).toMatchObject({
    kind: "api",
    status: 404,
    code: "model_not_found",
    param: "model",
    retryable: false,
  });
  const refused = await (await startServer({ token: "sk-wrong" })).v1.listModels().catch((error: unknown) => error);
  expect(refused).toMatchObject({ kind: "api", status: 401 });
  expect(JSON.stringify(refused) + String(refused)).not.toContain("sk-wrong");
});

test("an input of another shape is refused before it is sent", async () => {
  const client = createClient({ baseURL: "http://127.0.0.1:9/v1" });
  const input = { model: "m", messages, temperature: 7 };
  await expect(client.v1.createChatCompletion(input)).rejects.toMatchObject({
    kind: "invalid-request",
    param: "temperature",
  });
});

test("a stream that ends too early is an error", async () => {
  const server = createServer((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end("data: {}\n\n");
  });
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const { v1 } = createClient({ baseURL: `http://127.0.0.1:${port}/v1`, validate: false });
  const stream = await v1.createChatCompletion({ model: "m", messages, stream: true });
  const seen: unknown[] = [];
  const reading = async () => {
    for await (const chunk of stream) seen.push(chunk);
  };
  await expect(reading()).rejects.toMatchObject({ kind: "connection", code: "stream_truncated" });
  expect(seen).toEqual([{}]);
});

test("our server answers every operation of the table through its function", async () => {
  const { v1 } = await startServer();
  const voice = {
    model: "scripted-speech",
    input: "The sea is wide.",
    voice: "alloy",
    response_format: "wav" as const,
  };
  const sound = async () => ({
    data: new Uint8Array(await (await v1.createSpeech(voice)).arrayBuffer()),
    name: "speech.wav",
  });
  const ears = { model: "scripted-transcription", file: await sound() };
  const chat = { model: "scripted-chat", messages };
  const keep = async () => (await v1.createChatCompletion({ ...chat, store: true })).id;
  const kept = await keep();
  const { id: answered } = await v1.createResponse({ model: "scripted-chat", input: "Tell me about the sea." });
  const respond = async () => (await v1.createResponse({ model: "scripted-chat", input: "Tell me about the sea." })).id;
  const begin = async () => (await v1.createConversation({})).id;
  const items = [{ role: "user" as const, content: "Tell me about the sea." }];
  const add = async (conversation_id: string) =>
    (await v1.createConversationItems({ conversation_id, items })).first_id ?? "";
  const conversation_id = await begin();
  const item_id = await add(conversation_id);
  const calls: Record<Exclude<keyof typeof v1, "connectRealtime">, () => Promise<unknown>> = {
    listModels: async () => (await v1.listModels()).data.length,
    retrieveModel: async () => (await v1.retrieveModel({ model: "scripted-chat" })).id,
    createChatCompletion: async () => (await v1.createChatCompletion(chat)).usage?.total_tokens,
    listChatCompletions: async () =>
      (await v1.listChatCompletions({ model: "scripted-chat", limit: 1, order: "desc" })).data[0]?.id === kept,
    getChatCompletion: async () => (await v1.getChatCompletion({ completion_id: kept })).choices.length,
    updateChatCompletion: async () =>
      (await v1.updateChatCompletion({ completion_id: kept, metadata: { topic: "sea" } })).metadata?.["topic"] ===
      "sea",
    deleteChatCompletion: async () => (await v1.deleteChatCompletion({ completion_id: await keep() })).deleted,
    getChatCompletionMessages: async () =>
      (await v1.getChatCompletionMessages({ completion_id: kept })).data.length === messages.length,
    createCompletion: async () =>
      (await v1.createCompletion({ model: "scripted-chat", prompt: "The sea" })).choices[0]?.text,
    createResponse: async () =>
      (await v1.createResponse({ model: "scripted-chat", input: "Tell me about the sea." })).output.length,
    getResponse: async () => (await v1.getResponse({ response_id: answered, include: [] })).output.length,
    cancelResponse: async () =>
      v1.cancelResponse({ response_id: answered }).catch(({ status }: { status: unknown }) => status === 400),
    deleteResponse: async () => (await v1.deleteResponse({ response_id: await respond() })).deleted,
    listInputItems: async () => (await v1.listInputItems({ response_id: await respond() })).data.length === 1,
    Getinputtokencounts: async () =>
      (await v1.Getinputtokencounts({ model: "scripted-chat", input: "Tell me about the sea." })).input_tokens,
    Compactconversation: async () =>
      (await v1.Compactconversation({ model: "scripted-chat", input: "Tell me about the sea." })).output.length === 2,
    createConversation: async () =>
      (await v1.createConversation({ items, metadata: { topic: "sea" } })).object === "conversation",
    getConversation: async () => (await v1.getConversation({ conversation_id })).id === conversation_id,
    updateConversation: async () =>
      (await v1.updateConversation({ conversation_id, metadata: { topic: "sea" } })).metadata?.["topic"] === "sea",
    deleteConversation: async () => (await v1.deleteConversation({ conversation_id: await begin() })).deleted,
    createConversationItems: async () => add(await begin()),
    listConversationItems: async () => {
      const include = ["message.output_text.logprobs", "reasoning.encrypted_content"] as const;
      const page = await v1.listConversationItems({ conversation_id, limit: 1, include: [...include] });
      return page.data[0]?.id === item_id;
    },
    getConversationItem: async () => (await v1.getConversationItem({ conversation_id, item_id })).id === item_id,
    deleteConversationItem: async () =>
      (await v1.deleteConversationItem({ conversation_id, item_id: await add(conversation_id) })).id ===
      conversation_id,
    createEmbedding: async () =>
      (await v1.createEmbedding({ model: "scripted-embedding", input: ["a", "b"] })).data[1]?.embedding.length,
    createTranscription: async () => (await v1.createTranscription(ears)).text,
    createTranslation: async () => (await v1.createTranslation(ears)).text,
    createSpeech: async () => (await (await v1.createSpeech(voice)).arrayBuffer()).byteLength,
    createRealtimeClientSecret: async () =>
      (await v1.createRealtimeClientSecret({ session: { type: "transcription" } })).value,
  };
  expect(Object.keys(calls).toSorted()).toEqual(
    Object.keys(v1)
      .filter((name) => name !== "connectRealtime")
      .toSorted(),
  );
  for (const [name, call] of Object.entries(calls)) expect(await call(), name).toBeTruthy();

  const formats = {
    text: await v1.createTranscription({ ...ears, response_format: "text" }),
    vtt: await v1.createTranscription({ ...ears, response_format: "vtt" }),
    verbose: (await v1.createTranscription({ ...ears, response_format: "verbose_json" })).duration,
  };
  expect(formats).toEqual({
    text: expect.stringContaining("The sea is wide."),
    vtt: expect.stringMatching(/^WEBVTT/),
    verbose: expect.any(Number),
  });
});

test("our server's streams of every operation are complete", async () => {
  const { v1 } = await startServer();
  const voice = {
    model: "scripted-speech",
    input: "The sea is wide.",
    voice: "alloy",
    response_format: "wav" as const,
  };
  const data = new Uint8Array(await (await v1.createSpeech(voice)).arrayBuffer());
  const file = { data, name: "speech.wav" };
  const types: string[] = [];
  for await (const event of await v1.createSpeech({ ...voice, stream_format: "sse" })) types.push(event.type);
  for await (const event of await v1.createTranscription({ model: "scripted-transcription", file, stream: true })) {
    types.push(event.type);
  }
  expect([...new Set(types)]).toEqual([
    "speech.audio.delta",
    "speech.audio.done",
    "transcript.text.delta",
    "transcript.text.done",
  ]);
  let text = "";
  const completion = { model: "scripted-chat", prompt: "The sea", seed: 1 };
  for await (const chunk of await v1.createCompletion({ ...completion, stream: true })) {
    text += chunk.choices[0]?.text ?? "";
  }
  expect(text).toBe((await v1.createCompletion(completion)).choices[0]?.text);
});
