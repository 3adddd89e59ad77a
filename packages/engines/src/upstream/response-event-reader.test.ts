import { expect, test } from "vitest";
import type { UpstreamRequest } from "@openai-compat/core";
import { createMessageRedactor } from "./message-redactor.ts";
import { createResponseEventReader } from "./response-event-reader.ts";

const request: UpstreamRequest = {
  operation: "createResponse",
  path: "/responses",
  body: { kind: "json", value: { input: "one two three" } },
  outputTokensMax: null,
  stream: true,
  includeUsage: true,
  modelId: "far",
  traceParent: null,
};

const redactor = createMessageRedactor({
  addresses: [{ origin: "http://gpu-7.internal:8000", basePath: "" }],
  model: "there",
  apiKey: "canary",
});
const errorContext = { redactor, operation: request.operation, modelId: "far", includeUsage: true };

function read(...events: Record<string, unknown>[]) {
  const reader = createResponseEventReader({ request, zeroUsageBelieved: false, errorContext });
  const sent = events.flatMap((event) => reader.read(JSON.stringify(event), event));
  return { reader, sent: sent.map((text): unknown => JSON.parse(text)) };
}

const usage = { input_tokens: 9, output_tokens: 4, total_tokens: 13, x: 1 };
const last = (type: string, fields: object = {}) => ({ type, response: { model: "there", usage, ...fields } });

test("the last event's usage is what is charged, and its model is ours", () => {
  const { reader, sent } = read({ type: "response.x", delta: "one two" }, last("response.completed"));
  expect(reader.usage(true)).toMatchObject({ inputTokens: 9, outputTokens: 4 });
  expect(reader.source()).toBe("reported");
  expect(reader.isFinished()).toBe(true);
  expect(reader.end(false)).toEqual([]);
  expect(sent[1]).toMatchObject({
    response: { model: "far", usage: { ...usage, output_tokens_details: { reasoning_tokens: 0 } } },
  });
});

test("a usage that is missing is estimated, shown and charged alike", () => {
  const { reader, sent } = read({ type: "response.x", delta: "one two" }, last("response.incomplete", { usage: null }));
  expect(reader.usage(true)).toMatchObject({ inputTokens: 4, outputTokens: 2 });
  expect(reader.source()).toBe("estimated");
  expect(sent[1]).toMatchObject({ response: { usage: { input_tokens: 4, output_tokens: 2, total_tokens: 6 } } });
});

test("what failed before anything came has used nothing, unless its usage says so", () => {
  expect(read(last("response.failed", { usage: null })).reader.usage(true)).toMatchObject({ inputTokens: 0 });
  expect(read(last("response.failed")).reader.usage(true)).toMatchObject({ inputTokens: 9 });
  const { reader } = read({ type: "response.x", delta: "one" }, last("response.failed", { usage: null }));
  expect(reader.usage(true)).toMatchObject({ inputTokens: 4, outputTokens: 1 });
});

test("pings are dropped, and so is what follows the last event", () => {
  const { sent } = read({}, { type: "ping" }, last("response.completed"), { type: "response.x" });
  expect(sent).toHaveLength(1);
});

test("a stream without its last event is broken off, whatever ended it", () => {
  const { reader } = read({ type: "response.x", delta: "one" });
  expect(() => reader.end(true)).toThrow("The stream ended before the response did.");
});

test.each([undefined, null, [], "x"])("a last event whose response is %j is refused", (response) => {
  expect(() => read({ type: "response.completed", response })).toThrow("The last event has no response.");
});

test.each([
  ["server_error", "server_error", "The model failed to answer. Please try again."],
  ["invalid_api_key", "server_error", "The model failed to answer. Please try again."],
  ["rate_limit_exceeded", "rate_limit_exceeded", "The model is asked too often at the moment. Please try again later."],
  ["invalid_prompt", "invalid_prompt", "The key [key] of far at [address] is bad."],
  [5, "server_error", "The model failed to answer. Please try again."],
])("a failure with the code %j says what a caller may know", (code, shown, message) => {
  const error = { code, message: "The key canary of there at http://gpu-7.internal:8000/v1 is bad." };
  expect(read(last("response.failed", { error })).sent).toMatchObject([
    { response: { error: { code: shown, message } } },
  ]);
});
