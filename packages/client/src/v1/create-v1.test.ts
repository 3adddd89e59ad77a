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
