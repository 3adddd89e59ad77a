import { AI_ERROR_CODES, AiError } from "@openai-compat/core";
import { createScriptedEngine } from "@openai-compat/engines";
import {
  createChatCompletionResponseSchema,
  errorResponseSchema,
  listHttpOperations,
  listModelsResponseSchema,
  modelSchema,
  operations,
} from "@openai-compat/spec";
import type { HttpOperation } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { API_MOUNTS } from "./surfaces/openai/protocol/request-path.ts";
import { createTestApp, readSseData } from "./testing/test-server.ts";

const CHAT = { model: "scripted", messages: [{ role: "user", content: "Hello" }] };
const JSON_BODY = JSON.stringify({ ...CHAT, prompt: "Hello", input: "Hello", voice: "alloy", metadata: {}, items: [] });
const endpoints = listHttpOperations(operations).flatMap((operation) =>
  API_MOUNTS.map((mount) => ({
    id: operation.id,
    method: operation.method,
    path: mount + operation.path.replace("{model}", "scripted"),
    body: composeBody(operation),
  })),
);
/** What a server with a chat model alone answers with 200. */
const SERVED: ReadonlySet<string> = new Set([
  "listModels",
  "retrieveModel",
  "createChatCompletion",
  "createCompletion",
  "listChatCompletions",
  "createResponse",
  "createConversation",
  "Getinputtokencounts",
  "Compactconversation",
]);
/** What a path with the id of a stored object leads to: there is none. */
const STORED = /\{(?:completion|response|conversation)_id\}/;

function expectedStatus(id: string, path: string): number {
  if (STORED.test(path)) return 404;
  return SERVED.has(id) ? 200 : 501;
}

function composeBody({ id, requestContentType }: HttpOperation): FormData | string | null {
  if (requestContentType === null) return null;
  if (id === "createResponse" || id === "Getinputtokencounts" || id === "Compactconversation")
    return JSON.stringify({ model: "scripted", input: "Hello" });
  if (requestContentType === "application/json") return JSON_BODY;
  const form = new FormData();
  form.append("model", "scripted");
  form.append("file", new File(["RIFF"], "speech.wav"));
  return form;
}

function contentTypeOf(body: FormData | string | null): Record<string, string> {
  return typeof body === "string" ? { "content-type": "application/json" } : {};
}

test.each(endpoints)("$method $path without a key is a 401 that names the scheme", async ({ method, path, body }) => {
  const { request } = await createTestApp();
  const response = await request(path, { method, body, headers: { authorization: "" } });
  expect(response.status).toBe(401);
  expect(response.headers.get("www-authenticate")).toBe('Bearer realm="openai-compat"');
  expect(errorResponseSchema.parse(await response.json()).error.code).toBe("invalid_api_key");
});

test.each(endpoints)("$method $path without the capability is a 403", async ({ method, path, body }) => {
  const { request, keys } = await createTestApp();
  const response = await request(path, { method, body, headers: { authorization: `Bearer ${keys.noCapability}` } });
  expect(response.status).toBe(403);
  expect(errorResponseSchema.parse(await response.json()).error.code).toBe("insufficient_permissions");
});

test.each(endpoints)(
  "$method $path with a good key is a 200, a 501 without a model for it, or a 404 for what is not stored",
  async (endpoint) => {
    const { id, method, path, body } = endpoint;
    const { request } = await createTestApp();
    const response = await request(path, { method, body, headers: contentTypeOf(body) });
    expect(response.status).toBe(expectedStatus(id, path));
  },
);

test("the scheme of a token may be written in any case, and another scheme is no credential", async () => {
  const { request, keys } = await createTestApp();
  for (const [authorization, status] of [
    [`bearer ${keys.token}`, 200],
    [`BEARER   ${keys.token}`, 200],
    [`Basic ${keys.token}`, 401],
    [keys.token, 401],
    [`Bearer ${keys.expired}`, 401],
    ["Bearer", 401],
  ] as const) {
    expect((await request("/v1/models", { headers: { authorization } })).status).toBe(status);
  }
});

test("the body of a refused upload is never read", async () => {
  const { request, keys } = await createTestApp();
  for (const [authorization, status] of [
    ["", 401],
    [`Bearer ${keys.noCapability}`, 403],
  ] as const) {
    let pulls = 0;
    const body = new ReadableStream({ pull: () => void (pulls += 1) }, { highWaterMark: 0 });
    const response = await request("/v1/chat/completions", {
      method: "POST",
      body,
      headers: { authorization },
      duplex: "half",
    });
    expect(response.status).toBe(status);
    expect(pulls).toBe(0);
  }
});

test("models are listed and found by id, a slash in it raw or escaped", async () => {
  const { request } = await createTestApp({ models: [{ id: "org/model:8b" }, { id: "plain", name: "Plain" }] });
  const list = listModelsResponseSchema.parse(await (await request("/v1/models")).json());
  expect(list.data.map((model) => model.id)).toEqual(["org/model:8b", "plain"]);
  expect(list.data[0]?.created).toBe(1_700_000_000);
  for (const path of ["org%2Fmodel:8b", "org/model:8b", "org%2fmodel%3A8b"]) {
    const response = await request(`/v1/models/${path}`);
    expect(modelSchema.parse(await response.json()).id).toBe("org/model:8b");
  }
});

test("the 404 of an unknown model differs from that of an unknown route", async () => {
  const { request, post } = await createTestApp();
  for (const response of [
    await request("/v1/models/nope"),
    await post("/v1/chat/completions", { ...CHAT, model: "nope" }),
  ]) {
    expect(response.status).toBe(404);
    expect(errorResponseSchema.parse(await response.json()).error).toMatchObject({
      code: "model_not_found",
      param: "model",
    });
  }
  const unknown = await request("/v1/nope");
  expect(unknown.status).toBe(404);
  expect(errorResponseSchema.parse(await unknown.json()).error.code).toBe("unknown_url");
});

test.each(["/v1//models", "/v1/models/", "//v1/models", "/api/v1/openai/v1/models//", "/v1/%6dodels"])(
  "%s is answered without a redirect",
  async (path) => {
    const { request } = await createTestApp();
    expect((await request(path)).status).toBe(200);
  },
);

test.each(["/", "/v1", "/v1/", "/models", "/v12/models", "/api/v1/openai/models"])("%s is no route", async (path) => {
  const { request } = await createTestApp();
  expect((await request(path)).status).toBe(404);
});

test.each(["/v1/models/%zz", "/v1/%", "/v1/models/%ff"])(
  "the malformed escape in %s is the caller's error",
  async (path) => {
    const { request } = await createTestApp();
    const response = await request(path);
    expect(response.status).toBe(400);
    errorResponseSchema.parse(await response.json());
  },
);

test("a wrong method is a 405 that lists the right ones", async () => {
  const { request } = await createTestApp();
  const deleted = await request("/v1/models", { method: "DELETE" });
  expect([deleted.status, deleted.headers.get("allow")]).toEqual([405, "GET, HEAD, OPTIONS"]);
  errorResponseSchema.parse(await deleted.json());
  const got = await request("/v1/embeddings");
  expect([got.status, got.headers.get("allow")]).toEqual([405, "POST, OPTIONS"]);
});

test("HEAD answers like GET, without a body", async () => {
  const { request } = await createTestApp();
  const response = await request("/v1/models", { method: "HEAD" });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, "application/json"]);
  expect(await response.text()).toBe("");
});

test("every answer carries a request id, the caller's own when it is a safe one", async () => {
  const { request } = await createTestApp();
  for (const [path, method] of [
    ["/v1/models", "GET"],
    ["/v1/models", "OPTIONS"],
    ["/nope", "GET"],
    ["/v1/models/%zz", "GET"],
    ["/v1/models", "DELETE"],
  ] as const) {
    const response = await request(path, { method });
    expect(response.headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
    expect(response.headers.get("openai-version")).toBe("2020-10-01");
    expect(response.headers.get("openai-processing-ms")).toMatch(/^\d+$/);
  }
  const idOf = async (headers: Record<string, string>) =>
    (await request("/v1/models", { headers })).headers.get("x-request-id");
  expect(await idOf({ "x-request-id": "trace-12345678" })).toBe("trace-12345678");
  expect(await idOf({ "x-client-request-id": "client-12345678" })).toBe("client-12345678");
  expect(await idOf({ "x-request-id": "a b\tc, forged=1" })).toMatch(/^req_/);
  expect(await idOf({ "x-request-id": "x".repeat(200) })).toMatch(/^req_/);
});

const STAINLESS_HEADERS =
  "authorization,content-type,openai-organization,x-stainless-arch,x-stainless-custom-poll-interval,x-stainless-helper-method," +
  "x-stainless-lang,x-stainless-os,x-stainless-package-version,x-stainless-poll-helper,x-stainless-retry-count," +
  "x-stainless-runtime,x-stainless-runtime-version,x-stainless-timeout";

test("a preflight without a key allows every header that the SDK in a browser asks for", async () => {
  const { app } = await createTestApp();
  const response = await app.fetch(
    new Request("http://server.test/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: "https://page.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": STAINLESS_HEADERS,
      },
    }),
  );
  expect(response.status).toBe(204);
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("access-control-allow-methods")).toContain("POST");
  expect(response.headers.get("access-control-allow-headers")).toBe(STAINLESS_HEADERS);
});

test("an error can be read by a page too", async () => {
  const { request } = await createTestApp();
  const headers = { authorization: "", origin: "https://page.example" };
  const response = await request("/v1/models", { headers });
  expect(response.status).toBe(401);
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("access-control-expose-headers")).toMatch(/x-request-id.*retry-after.*x-ratelimit/);
});

test.each([
  ["https://good.example", true],
  ["https://bad.example", false],
  ["https://good.example.bad.example", false],
  ["null", false],
  [null, false],
])("with a list of origins, a preflight of %j learns what is allowed: %j", async (origin, isAllowed) => {
  const { request } = await createTestApp({ config: { allowedOrigins: ["https://good.example"] } });
  const response = await request("/v1/chat/completions", {
    method: "OPTIONS",
    headers: {
      ...(origin === null ? {} : { origin }),
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization",
      "access-control-request-private-network": "true",
    },
  });
  expect(response.status).toBe(204);
  const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
  if (isAllowed) {
    expect(names).toContain("access-control-allow-headers");
    expect(names).toContain("access-control-allow-private-network");
  } else expect(names).toEqual([]);
  expect(response.headers.get("vary")).toContain("Origin");
});

test("with a list of origins, only those on it may read answers", async () => {
  const { request } = await createTestApp({ config: { allowedOrigins: ["https://good.example"] } });
  const allowed = await request("/v1/models", { headers: { origin: "https://good.example" } });
  expect(allowed.headers.get("access-control-allow-origin")).toBe("https://good.example");
  expect(allowed.headers.get("vary")).toContain("Origin");
  const refused = await request("/v1/models", { headers: { origin: "https://bad.example" } });
  expect(refused.headers.has("access-control-allow-origin")).toBe(false);
});

test("a non-streaming answer has the whole shape of a completion", async () => {
  const { post } = await createTestApp();
  const response = await post("/v1/chat/completions", CHAT);
  expect(response.headers.get("content-type")).toBe("application/json");
  const { usage, choices, model, created } = createChatCompletionResponseSchema.parse(await response.json());
  expect(model).toBe("scripted");
  expect(Math.abs(created - Date.now() / 1000)).toBeLessThan(60);
  expect(choices).toHaveLength(1);
  expect(choices[0]).toMatchObject({ index: 0, finish_reason: "stop", logprobs: null, message: { refusal: null } });
  expect(usage?.total_tokens).toBe((usage?.prompt_tokens ?? 0) + (usage?.completion_tokens ?? 0));
});

test.each(["default", "Scripted", "scripted"])("the model %s is named by its id in the answer", async (model) => {
  const { post } = await createTestApp();
  expect(await (await post("/v1/chat/completions", { ...CHAT, model })).json()).toMatchObject({ model: "scripted" });
});

test("a stream is headed as one and says what the non-streaming answer says", async () => {
  const { post } = await createTestApp();
  const body = { ...CHAT, seed: 7, temperature: 0 };
  const whole = createChatCompletionResponseSchema.parse(await (await post("/v1/chat/completions", body)).json());
  const response = await post("/v1/chat/completions", { ...body, stream: true });
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const data = await readSseData(response);
  expect(data.at(-1)).toBe("[DONE]");
  const text = data.slice(0, -1).map((json) => JSON.parse(json).choices[0].delta.content ?? "");
  expect(text.join("")).toBe(whole.choices[0]?.message.content);
});

test("a request that a stream can't serve is refused with a status and JSON, not with a stream", async () => {
  const { post } = await createTestApp();
  const response = await post("/v1/chat/completions", { ...CHAT, stream: true, temperature: 9 });
  expect([response.status, response.headers.get("content-type")]).toEqual([400, "application/json"]);
});

test.each(AI_ERROR_CODES)("an engine that throws %s is answered with the envelope", async (code) => {
  const engine = {
    ...createScriptedEngine(),
    prepare: () => Promise.reject(new AiError(code, "The engine says no.", { retryAfterMs: 500 })),
  };
  const { post } = await createTestApp({ engine });
  const response = await post("/v1/chat/completions", CHAT);
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(errorResponseSchema.parse(await response.json()).error.message).toBe("The engine says no.");
  expect(response.headers.get("retry-after")).toBe("1");
});

test("an unforeseen error is logged with its cause and discloses nothing to the caller", async () => {
  const engine = { ...createScriptedEngine(), prepare: () => Promise.reject(new Error("secret path /root")) };
  const { post, internalErrors } = await createTestApp({ engine });
  const response = await post("/v1/chat/completions", CHAT);
  expect(response.status).toBe(500);
  expect(await response.text()).not.toContain("secret");
  expect(internalErrors.map((error) => error.cause)).toEqual([new Error("secret path /root")]);
});

test.each([{ stream: false }, { stream: true }])(
  "an engine that breaks is reported with its cause (%o)",
  async (mode) => {
    const engine = createScriptedEngine();
    const cause = new Error("secret path /root");
    // oxlint-disable-next-line require-yield -- it breaks before its first event
    engine.generate = async function* () {
      throw new AiError("engine_failed", "The engine failed.", { cause });
    };
    const { post, internalErrors } = await createTestApp({ engine });
    const text = await (await post("/v1/chat/completions", { ...CHAT, ...mode })).text();
    expect(text).toContain("engine_failed");
    expect(text).not.toContain("secret");
    expect(internalErrors.map((error) => error.cause)).toEqual([cause]);
  },
);
