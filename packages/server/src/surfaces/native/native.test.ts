/** The native surface over HTTP, as clients of tRPC's protocol see it. */

import {
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createScriptedSpeechEngine,
} from "@openai-compat/engines";
import { createEmbeddingResponseSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { createTestApp } from "../../testing/test-server.ts";
import type { TestServerOptions } from "../../testing/test-server.ts";

async function read(response: Response): Promise<unknown> {
  const body: unknown = await response.json();
  return body;
}

const MODELS: TestServerOptions["models"] = [
  { id: "chat", isDefault: true, engine: createScriptedEngine() },
  { id: "words", type: "embedding", isDefault: true, engine: createScriptedEmbeddingEngine() },
  { id: "voice", type: "speech", isDefault: true, engine: createScriptedSpeechEngine() },
];

test("models.list names the models of the server", async () => {
  const { request } = await createTestApp();
  const response = await request("/trpc/models.list");
  expect(response.status).toBe(200);
  expect(await read(response)).toMatchObject({ result: { data: [{ id: "scripted", type: "chat", isDefault: true }] } });
});

test("embed gives the vectors of an embedding request, and its usage", async () => {
  const { post } = await createTestApp({ models: MODELS });
  const input = ["The sea is wide.", "Rain falls."];
  const native = await read(await post("/trpc/embed", { input, dimensions: 8 }));
  const body = { model: "words", input, dimensions: 8, encoding_format: "float" };
  const { data, usage } = createEmbeddingResponseSchema.parse(await read(await post("/v1/embeddings", body)));
  const vectors = data.map(({ embedding }) => embedding);
  expect(native).toEqual({
    result: { data: { modelId: "words", vectors, usage: { inputTokens: usage.prompt_tokens } } },
  });
});

test("speak gives the bytes of a speech, whole or in pieces", async () => {
  const { post, request } = await createTestApp({ models: MODELS });
  const file = await post("/v1/audio/speech", {
    model: "voice",
    input: "Hello.",
    voice: "alloy",
    response_format: "wav",
  });
  const expected = Buffer.from(await file.arrayBuffer()).toString("base64");
  const whole = await read(await post("/trpc/speak", { text: "Hello.", format: "wav" }));
  expect(whole).toMatchObject({
    result: { data: { modelId: "voice", contentType: "audio/wav", audio: expected, usage: { characters: 6 } } },
  });
  const input = encodeURIComponent(JSON.stringify({ text: "Hello.", format: "wav" }));
  const text = await (await request(`/trpc/speakStream?input=${input}`)).text();
  const pieces = [...text.matchAll(/"type":"audio","audio":"([^"]*)"/g)].map(([, audio = ""]) =>
    Buffer.from(audio, "base64"),
  );
  expect(Buffer.concat(pieces).toString("base64")).toBe(expected);
  expect(text).toMatch(/"type":"end","usage":\{"characters":6[^\n]*\n\nevent: return\n/);
});

test("audio beyond the bound of one answer is refused, with what sends it", async () => {
  const { post } = await createTestApp({ models: MODELS, config: { native: { speechBytesMax: 100 } } });
  const response = await post("/trpc/speak", { text: "Hello.", format: "wav" });
  expect(response.status).toBe(400);
  expect(await read(response)).toMatchObject({
    error: { message: expect.stringContaining("speakStream"), data: { code: "unsupported_value", param: "format" } },
  });
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

const JSON_TYPE = { "content-type": "application/json" };
const DEEP = "[".repeat(600) + "]".repeat(600);

interface Refused {
  readonly method?: string;
  readonly path: string;
  readonly body?: string;
  readonly headers?: Record<string, string>;
  readonly status: number;
  readonly code: string;
  readonly param?: string | null;
}

const REFUSED: readonly Refused[] = [
  { path: "/trpc/nothing", status: 404, code: "unknown_url" },
  { path: "/trpc/__proto__", status: 404, code: "unknown_url" },
  { path: "/trpc/constructor", status: 404, code: "unknown_url" },
  { path: "/trpc/models", status: 404, code: "unknown_url" },
  { path: "/trpc/models.list.more", status: 404, code: "unknown_url" },
  { path: "/trpc/models/list", status: 404, code: "unknown_url" },
  { path: "/trpc/%E0%A4%A", status: 400, code: "invalid_request" },
  { path: "/trpc/prompt", status: 405, code: "method_not_supported" },
  { path: "/trpc/prompt?input=%7B%7D", status: 405, code: "method_not_supported" },
  { path: "/trpc/models.list?input=%7B", status: 400, code: "invalid_request" },
  { path: "/trpc/models.list?input=%7B%7D", status: 400, code: "invalid_value" },
  { path: "/trpc/models.list?input=null", status: 400, code: "invalid_value" },
  { path: `/trpc/promptStream?input=${DEEP}`, status: 400, code: "invalid_request" },
  { path: "/trpc/promptStream?input=%00", status: 400, code: "invalid_request" },
  { path: "/trpc/promptStream?connectionParams=%7B", status: 400, code: "missing_required_parameter" },
  { method: "POST", path: "/trpc/prompt", status: 400, code: "missing_required_parameter" },
  { method: "POST", path: "/trpc/prompt", body: "", status: 400, code: "invalid_request" },
  { method: "POST", path: "/trpc/prompt", body: "{", status: 400, code: "invalid_request" },
  { method: "POST", path: "/trpc/prompt", body: "[]", status: 400, code: "invalid_type" },
  { method: "POST", path: "/trpc/prompt", body: "null", status: 400, code: "invalid_type" },
  { method: "POST", path: "/trpc/prompt", body: DEEP, status: 400, code: "invalid_request" },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: "{}",
    status: 400,
    code: "missing_required_parameter",
    param: "messages",
  },
  { method: "POST", path: "/trpc/prompt", body: '{"prompt":7}', status: 400, code: "invalid_type", param: "prompt" },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","topp":1}',
    status: 400,
    code: "unsupported_parameter",
    param: "topp",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","messages":[{"role":"user","content":"a"}]}',
    status: 400,
    code: "invalid_value",
    param: "prompt",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","__proto__":{"seed":1}}',
    status: 400,
    code: "unsupported_parameter",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","topP":2}',
    status: 400,
    code: "invalid_value",
    param: "topP",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","toolChoice":"required"}',
    status: 400,
    code: "invalid_value",
    param: "toolChoice",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: '{"prompt":"a","model":"none"}',
    status: 404,
    code: "model_not_found",
    param: "model",
  },
  { method: "POST", path: "/trpc/speak", body: '{"text":" "}', status: 400, code: "invalid_value", param: "text" },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: "a=1",
    headers: { "content-type": "application/x-www-form-urlencoded" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: "{}",
    headers: { "content-type": "application/octet-stream" },
    status: 415,
    code: "unsupported_media_type",
  },
  {
    method: "POST",
    path: "/trpc/prompt",
    body: "{}",
    headers: { ...JSON_TYPE, "content-encoding": "gzip" },
    status: 415,
    code: "unsupported_media_type",
  },
  { method: "POST", path: "/trpc/prompt?batch=1", body: "[1]", status: 400, code: "invalid_type" },
  { method: "POST", path: "/trpc/prompt?batch=1", body: '{"0":5}', status: 400, code: "invalid_type" },
  { path: "/trpc/promptStream?batch=1&input=%7B%7D", status: 400, code: "invalid_request" },
  { path: `/trpc/${"models.list,".repeat(10)}models.list?batch=1`, status: 400, code: "invalid_request" },
  { path: `/trpc/${",".repeat(3000)}?batch=1`, status: 400, code: "invalid_request" },
];

test.each(REFUSED)(
  "$method $path $body is refused with $status and $code",
  async ({ method = "GET", path, status, code, ...rest }) => {
    const { request, internalErrors } = await createTestApp({ models: MODELS });
    const { body, headers = body === undefined ? {} : JSON_TYPE } = rest;
    const response = await request(path, { method, headers, ...(body === undefined ? {} : { body }) });
    const text = await response.text();
    expect(response.status).toBe(status);
    const answer: unknown = JSON.parse(text);
    const refusal: unknown = Array.isArray(answer) ? answer[0] : answer;
    if (path !== "/trpc/%E0%A4%A") {
      const param = rest.param === undefined ? {} : { param: rest.param };
      expect(refusal).toMatchObject({ error: { data: { code, httpStatus: status, ...param } } });
    }
    expect(text).not.toMatch(/node_modules|\.ts:|"stack"/);
    expect(internalErrors).toEqual([]);
  },
);

test("a caller that is not known gets 401 on every procedure, and nothing of its body is read", async () => {
  const { request } = await createTestApp();
  for (const path of ["models.list", "prompt", "promptStream", "nothing", "models.list,models.list?batch=1"]) {
    const response = await request(`/trpc/${path}`, { headers: { authorization: "Bearer wrong" } });
    expect(response.status, path).toBe(401);
    expect(response.headers.get("www-authenticate")).toContain("Bearer");
    expect(await read(response)).toMatchObject({ error: { code: -32001, data: { code: "invalid_api_key" } } });
  }
});

test("one call of a batch that is refused changes nothing for the others", async () => {
  const { post } = await createTestApp();
  const inputs = { 0: { prompt: "Hello." }, 1: { prompt: 7 }, 3: { prompt: "Bye.", model: "none" } };
  const response = await post("/trpc/prompt,prompt,models.list,prompt?batch=1", inputs);
  expect(response.status).toBe(207);
  expect(await read(response)).toMatchObject([
    { result: { data: { finishReason: "stop" } } },
    { error: { data: { code: "invalid_type", param: "prompt", httpStatus: 400, path: "prompt" } } },
    { result: { data: [{ id: "scripted" }] } },
    { error: { data: { code: "model_not_found", httpStatus: 404 } } },
  ]);
});

test("a batch may ask for a line for each answer", async () => {
  const { request } = await createTestApp();
  const input = encodeURIComponent(JSON.stringify({ 1: 5 }));
  const response = await request(`/trpc/models.list,models.list?batch=1&input=${input}`, {
    headers: { "trpc-accept": "application/jsonl" },
  });
  const text = await response.text();
  expect(response.status).toBe(200);
  expect(text).toContain('"id":"scripted"');
  expect(text).toContain('"code":"invalid_value"');
});

test("a query may be called with POST, and without a body where it takes no input", async () => {
  const { request } = await createTestApp();
  expect((await request("/trpc/models.list", { method: "POST" })).status).toBe(200);
});

test("answers carry the headers of every answer, and those of the account's limits", async () => {
  const { post } = await createTestApp({ config: { rateLimits: { requestsPerMinute: 2 } } });
  const headers = { "x-request-id": "req-of-the-caller", origin: "https://page.example" };
  const first = await post("/trpc/prompt", { prompt: "Hello." }, headers);
  expect(first.headers.get("x-request-id")).toBe("req-of-the-caller");
  expect(first.headers.get("access-control-allow-origin")).toBe("*");
  expect(first.headers.get("x-ratelimit-remaining-requests")).toBe("1");
  await post("/trpc/prompt", { prompt: "Hello." });
  const refused = await post("/trpc/prompt", { prompt: "Hello." }, headers);
  expect(refused.status).toBe(429);
  expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
  expect(await read(refused)).toMatchObject({
    error: {
      code: -32029,
      data: { code: "rate_limit_exceeded", requestId: "req-of-the-caller", retryAfterMs: expect.any(Number) },
    },
  });
});
