import { expect, test } from "vitest";
import { validateShape } from "../shared/validate-shape.ts";
import { createCompletionStreamResponseSchema } from "./chunk.ts";
import { createCompletionResponseSchema } from "./response.ts";

const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
const choice = { text: "\n\nThis is a test", index: 0, logprobs: null, finish_reason: "length" };
const response = {
  id: "cmpl-1",
  object: "text_completion",
  created: 1_589_478_378,
  model: "davinci-002",
  choices: [choice],
  usage,
};

const answerPaths = (change: Record<string, unknown>): string[] =>
  validateShape(createCompletionResponseSchema, { ...response, ...change }).map((issue) => issue.path);
const chunkPaths = (change: Record<string, unknown>): string[] =>
  validateShape(createCompletionStreamResponseSchema, { ...response, ...change }).map((issue) => issue.path);

test("an answer as OpenAI sends it is accepted", () => {
  expect(answerPaths({})).toEqual([]);
  expect(answerPaths({ system_fingerprint: null, usage: null, warning: "deprecated" })).toEqual([]);
});

test("the first token of an echoed prompt has no log probability", () => {
  const logprobs = {
    tokens: ["Once", " upon"],
    token_logprobs: [null, -0.5],
    top_logprobs: [null, { " upon": -0.5 }],
    text_offset: [0, 4],
  };
  expect(answerPaths({ choices: [{ ...choice, logprobs }] })).toEqual([]);
  expect(answerPaths({ choices: [{ ...choice, logprobs: { ...logprobs, tokens: [null] } }] })).toEqual([
    "choices[0].logprobs.tokens[0]",
  ]);
});

test("a stream is accepted: pieces without a reason, the last with one, then the usage", () => {
  expect(chunkPaths({ choices: [{ ...choice, finish_reason: null }], usage: null })).toEqual([]);
  expect(chunkPaths({ choices: [choice], usage: undefined })).toEqual([]);
  expect(chunkPaths({ choices: [] })).toEqual([]);
});

test.each([
  [{ object: "chat.completion" }, "object"],
  [{ choices: null }, "choices"],
  [{ choices: [{ ...choice, logprobs: undefined }] }, "choices[0].logprobs"],
  [{ choices: [{ ...choice, text: null }] }, "choices[0].text"],
  [{ choices: [{ ...choice, index: undefined }] }, "choices[0].index"],
  [{ choices: [{ ...choice, finish_reason: "" }] }, "choices[0].finish_reason"],
  [{ choices: [{ ...choice, finish_reason: undefined }] }, "choices[0].finish_reason"],
])("%j is refused at %s, in an answer and in a chunk", (change, path) => {
  expect(answerPaths(change)).toEqual([path]);
  expect(chunkPaths(change)).toEqual([path]);
});

test("an answer has ended, so its reason is not null", () => {
  expect(answerPaths({ choices: [{ ...choice, finish_reason: null }] })).toEqual(["choices[0].finish_reason"]);
});
