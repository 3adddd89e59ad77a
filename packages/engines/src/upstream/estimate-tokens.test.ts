import { expect, test } from "vitest";
import { countTokensAtLeast, estimateInputTokens, estimateOutputTokens } from "./estimate-tokens.ts";
import { relayRequest } from "./testing/relay.ts";

function estimateOf(value: Record<string, unknown>): number {
  return estimateInputTokens(relayRequest({ body: { kind: "json", value } }));
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
])("%j has so many tokens at least: %i", (text, tokens) => {
  expect(countTokensAtLeast(text)).toBe(tokens);
});

test("the words of messages, parts and prompts are counted, and ids of tokens as they are", () => {
  const parts = [
    { type: "text", text: "one two" },
    { type: "image_url", image_url: { url: "a b c" } },
  ];
  expect(
    estimateOf({ messages: [{ role: "user", content: "one two three" }, { content: parts }, null, { content: null }] }),
  ).toBe(5);
  expect(estimateOf({ prompt: ["one two", "three"] })).toBe(3);
  expect(estimateOf({ prompt: [[11, 12, 13], [14]] })).toBe(4);
  expect(estimateOf({ input: "one two" })).toBe(2);
  expect(
    estimateInputTokens(relayRequest({ body: { kind: "form", fields: [{ name: "prompt", value: "a b" }] } })),
  ).toBe(0);
});

test("the words of every choice of an answer are counted", () => {
  const chat = [{ message: { content: "one two" } }, { message: { content: null } }, null];
  expect(estimateOutputTokens({ choices: chat })).toBe(2);
  expect(estimateOutputTokens({ choices: [{ text: "one" }, { text: "two three" }] })).toBe(3);
  expect(estimateOutputTokens({ data: [] })).toBe(0);
});
