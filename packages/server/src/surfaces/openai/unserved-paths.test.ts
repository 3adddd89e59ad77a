import { errorResponseSchema, listHttpOperations, operations } from "@openai-compat/spec";
import type { Operation } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { DOCUMENTED_OPERATIONS } from "./documented-operations.ts";
import { API_MOUNTS } from "./protocol/request-path.ts";
import { createTestApp } from "../../testing/test-server.ts";

const { request } = await createTestApp();

async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const response = await request(path, { method, headers });
  const { error } = errorResponseSchema.parse(await response.json());
  const shouldRetry = response.headers.get("x-should-retry");
  return { status: response.status, code: error.code, message: error.message, shouldRetry };
}

/** Those that the specification does not have. */
const SERVED = new Set(Object.values<Operation>(operations).map(({ id }) => id));
const unserved = DOCUMENTED_OPERATIONS.filter(([, , id]) => !SERVED.has(id));

test.each(unserved)("%s %s is refused by name, but to strangers as what is served is", async (method, path, id) => {
  const filled = path.replaceAll(/\{\w+\}/g, "some-1");
  for (const mount of API_MOUNTS) {
    const { status, code, message, shouldRetry } = await ask(method, mount + filled);
    expect([status, code, shouldRetry]).toEqual([404, "unknown_url", "false"]);
    expect(message).toMatch(`${method} ${mount}${filled} (${id}) is not implemented by this server`);
    expect(message).not.toMatch(/is below|\$/);
    const stranger = await ask(method, mount + filled, { authorization: "" });
    expect([stranger.status, stranger.code]).toEqual([401, "invalid_api_key"]);
  }
});

test("all but the operations of this server are left of the document's, and nothing is listed twice", () => {
  expect(DOCUMENTED_OPERATIONS.length).toBeGreaterThan(250);
  expect(new Set(DOCUMENTED_OPERATIONS.map(([method, path]) => `${method} ${path}`)).size).toBe(
    DOCUMENTED_OPERATIONS.length,
  );
  for (const { id, method, path, extension } of listHttpOperations(operations)) {
    if (!extension) expect(DOCUMENTED_OPERATIONS).toContainEqual([method, path, id]);
  }
});

test.each(["POST /edits", "POST /engines/davinci/completions", "GET /fine-tunes", "PUT /assistants"])(
  "%s is refused by name at each mount",
  async (operation) => {
    const [method = "", path = ""] = operation.split(" ");
    for (const mount of API_MOUNTS) {
      // Without a credential: whether a path is served is no secret.
      const { status, code, message } = await ask(method, mount + path, { authorization: "" });
      expect([status, code]).toEqual([404, "unknown_url"]);
      expect(message).toContain(`${method} ${mount}${path} is not implemented by this server`);
      expect(message).not.toMatch(/is below|\$/);
    }
  },
);

test("what to use instead is named below the mount that was used", async () => {
  expect((await ask("POST", "/v1/threads/runs")).message).toBe(
    "POST /v1/threads/runs (createThreadAndRun) is not implemented by this server; send the messages so far to POST /v1/chat/completions.",
  );
  expect((await ask("POST", "/api/v1/openai/v1//threads/runs/?x=1")).message).toBe(
    "POST /api/v1/openai/v1//threads/runs/ (createThreadAndRun) is not implemented by this server; send the messages so far to POST /api/v1/openai/v1/chat/completions.",
  );
  expect((await ask("POST", "/v1/%74hreads/runs")).message).toContain(
    "the messages so far to POST /v1/chat/completions",
  );
});

test.each([
  ["POST", "/api/chat", "POST /v1/chat/completions"],
  ["POST", "/api/generate", "POST /v1/completions"],
  ["GET", "/api/tags", "GET /v1/models"],
  ["GET", "/api/version", "GET /openapi.json"],
  ["POST", "/api/embed", "POST /v1/embeddings"],
  ["POST", "/api/pull", "GET /v1/models"],
  ["POST", "/v1/messages", "POST /v1/chat/completions"],
  ["POST", "/v1/messages/count_tokens", "POST /v1/chat/completions"],
  ["POST", "/v1beta/models/gemini-pro:generateContent", "POST /v1/chat/completions"],
  ["POST", "/v1/rerank", "POST /v1/embeddings"],
  ["POST", "/rerank", "POST /v1/embeddings"],
  ["GET", "/health", "GET /healthz"],
  ["GET", "/version", "GET /openapi.json"],
  ["GET", "/props", "GET /openapi.json"],
  ["POST", "/completion", "POST /v1/completions"],
  ["POST", "/tokenize", "`usage`"],
])("the message for %s %s of another server names %s", async (method, path, instead) => {
  const { status, message } = await ask(method, path);
  expect(status).toBe(404);
  expect(message).toContain(`${method} ${path} is `);
  expect(message).toContain(instead);
});

test.each([
  ["/chat/completions", "/v1"],
  ["/v1/v1/chat/completions", "/v1"],
  ["/openai/v1/chat/completions", "/v1"],
  ["/openai/deployments/gpt-4o/chat/completions", "/v1"],
  ["/api/v1/openai/v1/v1/chat/completions", "/api/v1/openai/v1"],
])("the message for a wrong base URL says how it should end (%s)", async (path, mount) => {
  expect((await ask("POST", path)).message).toContain(
    `This server has POST ${mount}/chat/completions: end the base URL in ${mount}, once.`,
  );
});

test("for an unknown path the message says what there is: below the API its operations, else where the API is", async () => {
  const { message } = await ask("POST", "/v1/nonsense");
  expect(message).toContain("Unknown request URL: POST /v1/nonsense. This server has GET /v1/models, ");
  expect(message).toContain("POST /v1/audio/speech");
  expect(message).not.toContain("is below");
  expect((await ask("GET", "/v1")).message).not.toContain("is below");
  expect((await ask("GET", "/nonsense")).message).toBe(
    "Unknown request URL: GET /nonsense. The API is below /v1; GET /docs describes it.",
  );
  expect((await ask("POST", "/responsesx")).message).toContain("Unknown request URL");
});

test("a browser at the address gets a page, a program the envelope", async () => {
  for (const path of ["/", "/v1", "/v1/"]) {
    const page = await request(path, { headers: { accept: "text/html,application/xhtml+xml,*/*;q=0.8" } });
    expect([page.status, page.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    expect(page.headers.get("content-security-policy")).toContain("default-src 'none'");
    const text = await page.text();
    expect(text).toContain('href="/docs"');
    expect(text).not.toMatch(/https?:\/\//);
    for (const accept of ["*/*", "application/json", ""]) {
      const refused = await request(path, { headers: { accept } });
      expect(refused.status).toBe(404);
      errorResponseSchema.parse(await refused.json());
    }
  }
  const head = await request("/", { method: "HEAD", headers: { accept: "text/html" } });
  expect([head.status, await head.text()]).toEqual([200, ""]);
  expect((await request("/", { method: "POST", headers: { accept: "text/html" } })).status).toBe(404);
});
