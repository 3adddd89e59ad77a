import { AI_ERROR_CODES, AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { encodeError } from "./encode-error.ts";

test.each(AI_ERROR_CODES)("%s becomes an envelope with all four fields and an error status", async (code) => {
  const response = encodeError(new AiError(code, "What failed.", { param: "field" }));
  expect(response.status).toBeGreaterThanOrEqual(400);
  expect(response.status).toBeLessThan(600);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(await response.json()).toEqual({
    error: {
      message: "What failed.",
      type: expect.any(String),
      param: "field",
      code: expect.stringMatching(/^[a-z_]+$/),
    },
  });
});

test.each([
  ["missing_credentials", 'Bearer realm="openai-compat"'],
  ["invalid_credentials", 'Bearer realm="openai-compat", error="invalid_token"'],
  ["capability_missing", null],
  ["identity_unavailable", null],
] as const)("%s asks for a credential with %s", (code, challenge) => {
  expect(encodeError(new AiError(code, "m")).headers.get("www-authenticate")).toBe(challenge);
});

test("tokens that can't be checked are a 503 that the SDKs retry after the time in its headers", () => {
  const response = encodeError(new AiError("identity_unavailable", "m", { retryAfterMs: 10_000 }));
  expect(response.status).toBe(503);
  expect(response.headers.get("retry-after")).toBe("10");
  expect(response.headers.has("x-should-retry")).toBe(false);
});

test.each([
  [1, "1"],
  [1500, "2"],
  [86_400_000, "60"],
])("a wait of %d ms is sent as %s seconds, never more than the SDKs accept", (retryAfterMs, expected) => {
  expect(encodeError(new AiError("queue_full", "m", { retryAfterMs })).headers.get("retry-after")).toBe(expected);
});

test("an error without a known wait sends no retry-after", () => {
  expect(encodeError(new AiError("queue_full", "m")).headers.has("retry-after")).toBe(false);
});

test("the error of a model that can't be loaded stops the SDKs from retrying", () => {
  expect(encodeError(new AiError("engine_unavailable", "m")).headers.get("x-should-retry")).toBe("false");
});

test("param is null when no field is to blame", async () => {
  expect(await encodeError(new AiError("internal", "m")).json()).toMatchObject({ error: { param: null } });
});

test("an answer to a half-read body closes the connection", () => {
  expect(encodeError(new AiError("body_too_large", "m")).headers.get("connection")).toBe("close");
});
