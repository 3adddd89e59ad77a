import { expect, test } from "vitest";
import { flattenIssues } from "../shared/flatten-issues.ts";
import { createCompletionRequestSchema } from "./request.ts";

const minimal = { model: "any-name/of:ours", prompt: "Once upon a time" };

function pathsOf(change: Record<string, unknown>): string[] {
  const result = createCompletionRequestSchema.safeParse({ ...minimal, ...change });
  return flattenIssues(result.error?.issues ?? []).map((issue) => issue.path);
}

test("every documented parameter is accepted at once, and as null", () => {
  const full = {
    best_of: 20,
    echo: true,
    frequency_penalty: -2,
    logit_bias: { "50256": -100 },
    logprobs: 5,
    max_tokens: 0,
    n: 128,
    presence_penalty: 2,
    seed: 2 ** 63,
    stop: ["a", "b", "c", "d"],
    stream: true,
    stream_options: { include_usage: true },
    suffix: "The end.",
    temperature: 2,
    top_p: 1,
    user: "u",
  };
  expect(Object.keys({ ...minimal, ...full }).sort()).toEqual(Object.keys(createCompletionRequestSchema.shape).sort());
  expect(pathsOf(full)).toEqual([]);
  expect(pathsOf(Object.fromEntries(Object.keys(full).map((key) => [key, null])))).toEqual([]);
});

test("unknown keys are accepted and kept", () => {
  expect(createCompletionRequestSchema.parse({ ...minimal, top_k: 40 })).toEqual({ ...minimal, top_k: 40 });
});

test.each([["text"], [""], [["a", ""]], [[1, 2]], [[[1], [2, 3]]], [null]])("the prompt %j is accepted", (prompt) => {
  expect(pathsOf({ prompt })).toEqual([]);
});

test.each([
  [{ prompt: undefined }, "prompt"],
  [{ prompt: [] }, "prompt"],
  [{ prompt: [[]] }, "prompt[0]"],
  [{ prompt: [1.5] }, "prompt[0]"],
  [{ prompt: [[-1]] }, "prompt[0][0]"],
  [{ prompt: ["a", 1] }, "prompt[1]"],
  [{ model: "" }, "model"],
  [{ best_of: 21 }, "best_of"],
  [{ logprobs: 6 }, "logprobs"],
  [{ logprobs: true }, "logprobs"],
  [{ max_tokens: -1 }, "max_tokens"],
  [{ n: 129 }, "n"],
  [{ presence_penalty: 2.1 }, "presence_penalty"],
  [{ stop: ["1", "2", "3", "4", "5"] }, "stop"],
  [{ temperature: 2.1 }, "temperature"],
  [{ logit_bias: { "1": 101 } }, "logit_bias.1"],
])("%j is refused at %s", (change, path) => {
  expect(pathsOf(change)).toContain(path);
});
