import { expect, test } from "vitest";
import { AiError, toAiError } from "./ai-error.ts";

test("an error of ours stays what it is, be the call aborted or not", () => {
  const error = new AiError("queue_full", "Full.", { param: "model", retryAfterMs: 5 });
  expect(toAiError(error)).toBe(error);
  expect(toAiError(error, AbortSignal.abort())).toBe(error);
  expect(error).toMatchObject({ name: "AiError", code: "queue_full", param: "model", retryAfterMs: 5 });
  expect(error).not.toHaveProperty("cause");
});

test("what is thrown after an abort is the abort's: ours with its reason, else the client's", () => {
  const thrown = new Error("native abort");
  const reason = new AiError("call_timeout", "Too long.");
  expect(toAiError(thrown, AbortSignal.abort(reason))).toBe(reason);
  expect(toAiError(thrown, AbortSignal.abort(new Error("gone")))).toMatchObject({
    code: "cancelled",
    message: "The request was cancelled by the client.",
    cause: thrown,
  });
});

test("anything else is internal, and only the operator sees what it was", () => {
  const thrown = new Error("/secret/path");
  for (const signal of [undefined, new AbortController().signal]) {
    expect(toAiError(thrown, signal)).toMatchObject({
      code: "internal",
      param: null,
      message: "The server had an error while processing your request. Please try again.",
      cause: thrown,
    });
  }
});
