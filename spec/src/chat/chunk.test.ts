import { expect, test } from "vitest";
import { validateShape } from "../shared/validate-shape.ts";
import { createChatCompletionStreamResponseSchema } from "./chunk.ts";

function chunk(choices: unknown, change: Record<string, unknown> = {}): unknown {
  return { id: "c", object: "chat.completion.chunk", created: 1_741_569_952, model: "m", choices, ...change };
}

function pathsOf(value: unknown): string[] {
  return validateShape(createChatCompletionStreamResponseSchema, value).map((issue) => issue.path);
}

test("the chunks of a stream are accepted: role, text, tool call, end and usage", () => {
  const piece = (delta: unknown, finish_reason: string | null = null): unknown => [{ index: 0, delta, finish_reason }];
  const call = { index: 0, id: "1", type: "function", function: { name: "f", arguments: "" } };
  expect(pathsOf(chunk(piece({ role: "assistant", content: "", refusal: null }), { usage: null }))).toEqual([]);
  expect(pathsOf(chunk(piece({ content: "Hi" }), { obfuscation: "x", system_fingerprint: null }))).toEqual([]);
  expect(pathsOf(chunk(piece({ tool_calls: [call] })))).toEqual([]);
  expect(pathsOf(chunk(piece({ tool_calls: [{ index: 0, id: null, function: { arguments: "{" } }] })))).toEqual([]);
  expect(pathsOf(chunk(piece({}, "tool_calls")))).toEqual([]);
  const usage = { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 };
  expect(pathsOf(chunk([], { usage }))).toEqual([]);
});

test.each([
  [[{ index: 0, delta: {} }], "choices[0].finish_reason"],
  [[{ index: 0, delta: {}, finish_reason: "" }], "choices[0].finish_reason"],
  [[{ delta: {}, finish_reason: null }], "choices[0].index"],
  [[{ index: 0, delta: { content: [] }, finish_reason: null }], "choices[0].delta.content"],
  [[{ index: 0, delta: { role: "" }, finish_reason: null }], "choices[0].delta.role"],
  [[{ index: 0, delta: { tool_calls: [{ id: "1" }] }, finish_reason: null }], "choices[0].delta.tool_calls[0].index"],
  [null, "choices"],
])("the choices %j are refused at %s", (choices, path) => {
  expect(pathsOf(chunk(choices))).toEqual([path]);
});
