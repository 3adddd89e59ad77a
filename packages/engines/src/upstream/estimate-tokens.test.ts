import { expect, test } from "vitest";
import { countText, estimateInputTokens, estimateOutputTokens, estimateTokens } from "./estimate-tokens.ts";
import { upstreamRequest } from "./testing/upstream-calls.ts";

function estimateOf(value: Record<string, unknown>): number {
  return estimateInputTokens(upstreamRequest({ body: { kind: "json", value } }));
}

test.each([
  ["", 0],
  ["  \n ", 0],
  ["one", 1],
  [" one  two\tthree\r\n", 3],
  ["a.b", 1],
  ["Grüße", 1],
  ["日本語", 2],
  ["日本語 in words", 4],
  ["私はVitestです", 3],
  ["🌊", 1],
])("%j has so many words: %i", (text, tokens) => {
  const counts = { words: 0, bytes: 0 };
  countText(text, counts);
  expect(counts).toEqual({ words: tokens, bytes: Buffer.byteLength(text) });
});

test("a text has a token for each four bytes at least", () => {
  expect(estimateTokens("x".repeat(4000))).toBe(1000);
  expect(estimateTokens("é".repeat(4000))).toBe(2000);
  expect(estimateTokens("a b c")).toBe(3);
  expect(estimateTokens("")).toBe(0);
});

test("all that becomes prompt is counted, and ids of tokens as they are", () => {
  expect(estimateOf({ prompt: ["one two", "three"] })).toBe(4);
  expect(estimateOf({ prompt: [[11, 12, 13], [14]] })).toBe(4);
  expect(estimateOf({ prompt: ["one", 7, [8, 9]], suffix: "end" })).toBe(5);
  expect(estimateOf({ input: "one two" })).toBe(2);
  const text = "x".repeat(400);
  for (const body of [
    { messages: [{ role: "user", content: text }] },
    { messages: [null, { role: "user", content: [{ type: "text", text }] }] },
    { messages: [{ role: "assistant", tool_calls: [{ type: "function", function: { name: "f", arguments: text } }] }] },
    { tools: [{ type: "function", function: { name: "f", description: text } }] },
    { response_format: { type: "json_schema", json_schema: { schema: { description: text } } } },
  ]) {
    expect(estimateOf(body)).toBeGreaterThanOrEqual(100);
    expect(estimateOf(body)).toBeLessThan(120);
  }
  expect(
    estimateInputTokens(upstreamRequest({ body: { kind: "form", fields: [{ name: "prompt", value: "a b" }] } })),
  ).toBe(0);
});

test("an image is no text, and a text that calls itself one is", () => {
  const image = { type: "image_url", image_url: { url: `data:image/png;base64,${"x".repeat(100_000)}` } };
  const tokens = estimateOf({ messages: [{ role: "user", content: [image] }] });
  expect(tokens).toBeGreaterThan(500);
  expect(tokens).toBeLessThan(2000);
  const disguised = { type: "image_text", text: "x".repeat(100_000) };
  expect(estimateOf({ messages: [{ role: "user", content: [disguised] }] })).toBeGreaterThan(25_000);
});

test("all that a choice of an answer says is counted", () => {
  const chat = [{ message: { role: "assistant", content: "one two" } }, { message: { content: null } }, null];
  expect(estimateOutputTokens({ choices: chat })).toBe(4);
  expect(estimateOutputTokens({ choices: [{ text: "one" }, { text: "two three" }] })).toBe(4);
  expect(estimateOutputTokens({ choices: [{ message: { reasoning_content: "x".repeat(400) } }] })).toBe(101);
  expect(estimateOutputTokens({ data: [] })).toBe(0);
});
