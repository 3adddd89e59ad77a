import { expect, test } from "vitest";
import { validateShape } from "../shared/validate-shape.ts";
import { createChatCompletionResponseSchema } from "./response.ts";

const usage = {
  prompt_tokens: 19,
  completion_tokens: 10,
  total_tokens: 29,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
};
const choice = {
  index: 0,
  message: { role: "assistant", content: "Hello!", refusal: null, annotations: [] },
  logprobs: null,
  finish_reason: "stop",
};
const response = {
  id: "chatcmpl-B9",
  object: "chat.completion",
  created: 1_741_569_952,
  model: "gpt-5.4",
  choices: [choice],
  usage,
  service_tier: "default",
};

function pathsOf(change: Record<string, unknown>): string[] {
  return validateShape(createChatCompletionResponseSchema, { ...response, ...change }).map((issue) => issue.path);
}

test("a body as OpenAI sends it is accepted, its undocumented nulls included", () => {
  expect(pathsOf({})).toEqual([]);
  expect(pathsOf({ system_fingerprint: null, usage: null, metadata: null, x_provider: {} })).toEqual([]);
  expect(pathsOf({ choices: [{ ...choice, message: { ...choice.message, tool_calls: null } }] })).toEqual([]);
});

test("log probabilities carry bytes and alternatives for each token", () => {
  const token = { token: "Hi", logprob: -0.1, bytes: [72, 105], top_logprobs: [] };
  const withLogprobs = (content: unknown): Record<string, unknown> => ({
    choices: [{ ...choice, logprobs: { content, refusal: null } }],
  });
  expect(pathsOf(withLogprobs([token]))).toEqual([]);
  expect(pathsOf(withLogprobs([{ ...token, bytes: null }]))).toEqual([]);
  expect(pathsOf(withLogprobs([{ ...token, top_logprobs: null }]))).toEqual([
    "choices[0].logprobs.content[0].top_logprobs",
  ]);
});

test.each([
  [{ created: 1_741_569_952.5 }, "created"],
  [{ created: 1_741_569_952_000 }, "created"],
  [{ object: "chat.completion.chunk" }, "object"],
  [{ choices: null }, "choices"],
  [{ choices: [{ ...choice, finish_reason: "eos" }] }, "choices[0].finish_reason"],
  [{ choices: [{ ...choice, finish_reason: null }] }, "choices[0].finish_reason"],
  [{ choices: [{ ...choice, index: undefined }] }, "choices[0].index"],
  [{ choices: [{ ...choice, logprobs: undefined }] }, "choices[0].logprobs"],
  [{ choices: [{ ...choice, message: { role: "assistant", content: "x" } }] }, "choices[0].message.refusal"],
  [{ usage: { ...usage, total_tokens: "29" } }, "usage.total_tokens"],
])("%j is refused at %s", (change, path) => {
  expect(pathsOf(change)).toEqual([path]);
});
