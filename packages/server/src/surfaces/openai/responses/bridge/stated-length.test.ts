import { expect, test } from "vitest";
import { readStatedLength } from "./stated-length.ts";

test.each([
  [
    "This model's maximum context length is 8192 tokens. However, your messages resulted in 10000 tokens. Please reduce the length of the messages.",
    [8192, 10_000, null],
  ],
  [
    "This model's maximum context length is 16384 tokens. However, you requested 19591 tokens (9591 in the messages, 10000 in the completion). Please reduce the length of the messages or completion.",
    [16_384, 9591, 10_000],
  ],
  [
    "This model's maximum context length is 200 tokens. However, your request has 203 input tokens. Please reduce the length of the input messages.",
    [200, 203, null],
  ],
  [
    "'max_tokens' or 'max_completion_tokens' is too large: 1000. This model's maximum context length is 1000 tokens and your request has 203 input tokens (1000 > 1000 - 203).",
    [1000, 203, null],
  ],
  [
    "You passed 5000 input tokens and requested 256 output tokens. However, the model's context length is only 4096 tokens, resulting in a maximum input length of 3840 tokens.",
    [4096, 5000, 256],
  ],
  [
    "Requested token count exceeds the model's maximum context length of 202752 tokens. You requested a total of 202941 tokens: 170941 tokens from the input messages and 32000 tokens for the completion.",
    [202_752, 170_941, 32_000],
  ],
  ["The input (61709 tokens) is longer than the model's context length (40960 tokens).", [40_960, 61_709, null]],
  ["request (5000 tokens) exceeds the available context size (4096 tokens), try increasing it", [4096, 5000, null]],
  [
    "Prompt contains 40000 tokens and 0 draft tokens, too large for model with 32768 maximum context length",
    [32_768, 40_000, null],
  ],
  [
    "This model's maximum context length is 4096 tokens. However, your messages resulted in more than 9000 tokens, which leaves no room for an answer.",
    [4096, 9000, null],
  ],
])("a refusal says how long is too long: %s", (message, [contextTokens, promptTokens, answerTokens]) => {
  expect(readStatedLength(message)).toEqual({ contextTokens, promptTokens, answerTokens });
});

test.each(["The prompt is too long.", "This model's maximum context length is 8192 tokens.", ""])(
  "a refusal without both numbers says nothing: %s",
  (message) => expect(readStatedLength(message)).toBeNull(),
);
