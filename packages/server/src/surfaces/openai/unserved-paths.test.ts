import { errorResponseSchema } from "@openai-compat/spec";
import { expect, test } from "vitest";
import { API_MOUNTS } from "./protocol/request-path.ts";
import { createTestApp } from "../../testing/test-server.ts";

async function ask(method: string, path: string, headers: Record<string, string> = {}) {
  const { request } = await createTestApp();
  // Without a credential: whether a path is served is no secret.
  const response = await request(path, { method, headers: { authorization: "", ...headers } });
  const { error } = errorResponseSchema.parse(await response.json());
  return { status: response.status, code: error.code, message: error.message };
}

test.each([
  "POST /responses",
  "GET /responses/resp_1",
  "POST /responses/resp_1/cancel",
  "GET /responses/resp_1/input_items",
  "POST /responses/compact",
  "POST /assistants",
  "DELETE /assistants/asst_1",
  "POST /threads/runs",
  "POST /threads/thread_1/runs/run_1/submit_tool_outputs",
  "POST /conversations",
  "GET /conversations/conv_1/items/msg_1",
  "POST /chatkit/sessions",
  "POST /batches",
  "POST /batches/batch_1/cancel",
  "POST /files",
  "GET /files/file-1/content",
  "POST /uploads/upload_1/parts",
  "POST /fine_tuning/jobs",
  "POST /fine_tuning/alpha/graders/run",
  "POST /images/generations",
  "POST /images/edits",
  "POST /images/variations",
  "POST /videos",
  "GET /videos/video_1/content",
  "POST /moderations",
  "POST /content_provenance_checks",
  "POST /realtime/sessions",
  "POST /realtime/transcription_sessions",
  "POST /realtime/calls",
  "POST /audio/voices",
  "GET /audio/voice_consents/cons_1",
  "POST /vector_stores/vs_1/search",
  "POST /containers/cntr_1/files",
  "POST /evals/eval_1/runs",
  "POST /skills/skill_1/versions",
  "GET /organization/usage/completions",
  "POST /organization/projects/proj_1/service_accounts",
  "GET /projects/proj_1/roles",
  "POST /edits",
  "POST /engines/davinci/completions",
])("%s is refused by name at each mount", async (operation) => {
  const [method = "", path = ""] = operation.split(" ");
  for (const mount of API_MOUNTS) {
    const { status, code, message } = await ask(method, mount + path);
    expect([status, code]).toEqual([404, "unknown_url"]);
    expect(message).toContain(`${method} ${mount}${path} is not implemented by this server`);
    expect(message).not.toMatch(/is below|\$/);
  }
});

test("what to use instead is named below the mount that was used", async () => {
  expect((await ask("POST", "/v1/responses")).message).toBe(
    "POST /v1/responses is not implemented by this server; use POST /v1/chat/completions.",
  );
  expect((await ask("POST", "/api/v1/openai/v1//responses/?x=1")).message).toBe(
    "POST /api/v1/openai/v1//responses/ is not implemented by this server; use POST /api/v1/openai/v1/chat/completions.",
  );
  expect((await ask("POST", "/v1/%72esponses")).message).toContain("use POST /v1/chat/completions");
});

test.each([
  ["DELETE", "/v1/models/gpt-4o", "GET, HEAD, OPTIONS"],
  ["DELETE", "/v1/models/org%2Fmodel", "GET, HEAD, OPTIONS"],
])("%s %s, which OpenAI has, is refused by name with what is allowed", async (method, path, allow) => {
  expect(await ask(method, path)).toEqual({
    status: 405,
    code: "method_not_supported",
    message: `${method} ${path} is not implemented by this server. Allowed: ${allow}.`,
  });
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
  const { request } = await createTestApp();
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
