import { expect, test } from "vitest";
import { createMessageRedactor } from "./message-redactor.ts";
import { isErrorBody } from "./decode-error-body.ts";
import { decodeUpstreamError } from "./decode-error.ts";
import type { JsonRecord } from "./json-value.ts";
import { parseBaseUrl } from "./upstream-settings.ts";

const redactor = createMessageRedactor({
  addresses: [parseBaseUrl("http://gpu.internal")],
  model: "theirs",
  apiKey: "sk-canary",
});
const context = { redactor, operation: null, modelId: "ours", includeUsage: false };

function decode(status: number | null, body: JsonRecord | null = null, headers: Record<string, string> = {}) {
  return decodeUpstreamError({ status, headers, body: body === null ? null : JSON.stringify(body) }, context);
}

function envelope(fields: Record<string, unknown> = {}): JsonRecord {
  return {
    error: { message: "No good for theirs.", type: "invalid_request_error", param: null, code: null, ...fields },
  };
}

test.each([
  [400, { code: "unsupported_value", param: "temperature" }, "unsupported_value"],
  [400, { code: "unsupported_parameter", param: "logprobs" }, "unsupported_parameter"],
  [400, { code: "invalid_value" }, "invalid_value"],
  [400, { code: "context_length_exceeded" }, "context_length_exceeded"],
  [400, { type: "exceed_context_size_error", code: 400 }, "context_length_exceeded"],
  [400, { message: "This model's maximum context length is 8 tokens.", code: 400 }, "context_length_exceeded"],
  [400, { code: "something_new" }, "invalid_request"],
  [404, { code: "file_not_found" }, "invalid_request"],
  [413, {}, "body_too_large"],
  [415, {}, "unsupported_media_type"],
  [422, {}, "invalid_request"],
])("%i with %o is the caller's mistake: %s", (status, fields, code) => {
  const error = decode(status, envelope(fields));
  expect(error.code).toBe(code);
  expect(error.message).toMatch(/^(?:No good for ours\.|This model's)/);
  expect(error.param).toBe("param" in fields ? fields.param : null);
});

test.each([
  [401, { code: "invalid_api_key" }, "upstream_failed"],
  [403, {}, "upstream_failed"],
  [404, { code: "model_not_found" }, "upstream_failed"],
  [404, { code: "unknown_url" }, "upstream_failed"],
  [404, { code: 404, type: "NotFoundError" }, "upstream_failed"],
  [400, { param: "model" }, "upstream_failed"],
  [400, { param: "stream_options.include_usage" }, "upstream_failed"],
  [307, {}, "upstream_failed"],
  [409, {}, "upstream_failed"],
  [500, {}, "upstream_failed"],
  [501, {}, "not_implemented"],
  [402, {}, "upstream_unavailable"],
  [429, { code: "insufficient_quota" }, "upstream_unavailable"],
  [429, { type: "insufficient_quota" }, "upstream_unavailable"],
  [502, {}, "upstream_unavailable"],
  [503, {}, "upstream_unavailable"],
  [529, {}, "upstream_unavailable"],
  [408, {}, "upstream_timeout"],
  [504, {}, "upstream_timeout"],
  [429, {}, "upstream_rate_limited"],
])("%i with %o is none of the caller's business: %s", (status, fields, code) => {
  const error = decode(status, envelope({ message: "canary sk-canary", ...fields }));
  expect(error.code).toBe(code);
  expect(error.param).toBeNull();
  expect(error.message).not.toContain("canary");
  expect(String(error.cause)).toContain(`answered ${status}`);
  expect(String(error.cause)).not.toContain("sk-canary");
});

test("a caller that requested usage itself gets the error that the upstream has none", () => {
  const answer = { status: 400, headers: {}, body: JSON.stringify(envelope({ param: "stream_options" })) };
  expect(decodeUpstreamError(answer, { ...context, includeUsage: true })).toMatchObject({
    code: "invalid_request",
    param: "stream_options",
  });
});

test("a refusal without an envelope is passed on with a message of our own", () => {
  for (const body of [null, {}, { detail: [] }, { error: {} }, { error: null }]) {
    expect(decode(422, body)).toMatchObject({
      code: "invalid_request",
      message: "The model does not accept this request.",
    });
  }
});

test("errors as plain text and in the flat format are understood", () => {
  expect(decode(400, { error: "too hot" })).toMatchObject({ code: "invalid_request", message: "too hot" });
  const flat = { object: "error", message: "too hot", type: "BadRequestError", param: null, code: 400 };
  expect(decode(400, flat)).toMatchObject({ code: "invalid_request", message: "too hot" });
});

test("an error inside a 200 answer has its status in the body, or it follows from its type", () => {
  expect(decode(null, envelope({ code: 400 })).code).toBe("invalid_request");
  expect(decode(null, envelope({ code: "503" })).code).toBe("upstream_unavailable");
  expect(decode(null, envelope({ status: 429, type: "x" })).code).toBe("upstream_rate_limited");
  expect(decode(null, envelope()).code).toBe("invalid_request");
  expect(decode(null, envelope({ type: "rate_limit_error" })).code).toBe("upstream_rate_limited");
  expect(decode(null, envelope({ type: "server_error" })).code).toBe("upstream_failed");
  expect(decode(null, { error: {} }).code).toBe("upstream_failed");
});

test("the upstream's retry time is passed on with errors that can be retried", () => {
  const headers = { "retry-after": "3" };
  expect(decode(429, null, headers).retryAfterMs).toBe(3000);
  expect(decode(503, null, headers).retryAfterMs).toBe(3000);
  expect(decode(429, null).retryAfterMs).toBeUndefined();
});

test.each([
  [307, {}],
  [403, { code: "moderation_failed" }],
  [409, {}],
  [500, {}],
  [503, {}],
])("the message of a %i, which may quote the prompt, is not kept for the log", (status, fields) => {
  const cause = String(decode(status, envelope({ message: "prompt: canary", ...fields })).cause);
  expect(cause).toContain(`answered ${status}`);
  expect(cause).not.toContain("canary");
});

test.each([
  [400, { param: "model" }],
  [401, {}],
  [402, {}],
  [404, { code: "model_not_found" }],
  [429, { code: "insufficient_quota" }],
])("the message of a %i with %o, which helps the operator, is kept for the log", (status, fields) => {
  expect(String(decode(status, envelope({ message: "wrong key", ...fields })).cause)).toContain("wrong key");
});

test("an answer is an error when it says so", () => {
  expect([{ error: {} }, { error: "x" }, { object: "error" }].map(isErrorBody)).toEqual([true, true, true]);
  expect([{}, { error: null }, { object: "list" }].map(isErrorBody)).toEqual([false, false, false]);
});

test.each([
  [404, null, "not_implemented"],
  [404, { error: "Not Found" }, "not_implemented"],
  [404, envelope({ code: "unknown_url" }), "not_implemented"],
  [405, null, "not_implemented"],
  [404, envelope({ code: "model_not_found" }), "upstream_failed"],
  [500, null, "upstream_failed"],
])("where tokens are to be counted, %i with %j is %s", (status, body, code) => {
  const answer = { status, headers: {}, body: body === null ? null : JSON.stringify(body) };
  expect(decodeUpstreamError(answer, { ...context, operation: "Getinputtokencounts" }).code).toBe(code);
});
