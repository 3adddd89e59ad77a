/** The native surface over HTTP, as clients of tRPC's protocol see it. */

import { expect, test } from "vitest";
import { createTestApp } from "../../testing/test-server.ts";

async function read(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  return body;
}

test("models.list names the models of the server", async () => {
  const { request } = await createTestApp();
  const response = await request("/trpc/models.list");
  expect(response.status).toBe(200);
  expect(await read(response)).toMatchObject({ result: { data: [{ id: "scripted", type: "chat", isDefault: true }] } });
});

test("prompt answers in one piece, with the usage of a chat completion", async () => {
  const { post } = await createTestApp();
  const messages = [{ role: "user", content: "Say something." }];
  const native = await read(await post("/trpc/prompt", { messages, seed: 7 }));
  const chat = await read(await post("/v1/chat/completions", { model: "default", messages, seed: 7 }));
  expect(chat).toMatchObject({ choices: [{ message: { content: expect.any(String) } }] });
  expect(native).toMatchObject({ result: { data: { modelId: "scripted", finishReason: "stop" } } });
});

test("promptStream sends its events with ids, and says that it is complete", async () => {
  const { request } = await createTestApp();
  const input = encodeURIComponent(JSON.stringify({ prompt: "Say something." }));
  const response = await request(`/trpc/promptStream?input=${input}`, { headers: { accept: "text/event-stream" } });
  const text = await response.text();
  expect(text).toMatch(/^event: connected\n/);
  expect(text).toMatch(/id: run_[\w-]+:0\ndata: \{"type":"start"/);
  expect(text).toMatch(/event: return\ndata:\n\n$/);
});
