import { NO_USAGE } from "@openai-compat/core";
import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeAnswerUsage, decodeUsage } from "./decode-usage.ts";

test("each of the API's usage formats is read", () => {
  const details = { cached_tokens: 4 };
  const completion = { prompt_tokens: 9, completion_tokens: 2, total_tokens: 11, prompt_tokens_details: details };
  expect(decodeUsage(completion)).toEqual({ ...NO_USAGE, inputTokens: 9, outputTokens: 2, cachedTokens: 4 });
  expect(decodeUsage({ prompt_tokens: 8, total_tokens: 8 })).toEqual({ ...NO_USAGE, inputTokens: 8 });
  const tokens = { type: "tokens", input_tokens: 14, output_tokens: 45, total_tokens: 59 };
  expect(decodeUsage(tokens)).toEqual({ ...NO_USAGE, inputTokens: 14, outputTokens: 45 });
  expect(decodeUsage({ type: "duration", seconds: 8.4701 })).toEqual({ ...NO_USAGE, audioMs: 8471 });
});

test.each([
  [
    "reasoning that is not within the output",
    { prompt_tokens: 5, completion_tokens: 3, completion_tokens_details: { reasoning_tokens: 400 } },
    [5, 403],
  ],
  [
    "reasoning within the output",
    { prompt_tokens: 5, completion_tokens: 30, completion_tokens_details: { reasoning_tokens: 20 } },
    [5, 30],
  ],
  ["reasoning in the total alone", { prompt_tokens: 5, completion_tokens: 3, total_tokens: 408 }, [5, 403]],
  ["a total alone", { total_tokens: 12 }, [12, 0]],
  ["a total and the output", { completion_tokens: 3, total_tokens: 12 }, [9, 3]],
  ["a total that is too small", { prompt_tokens: 5, completion_tokens: 3, total_tokens: 1 }, [5, 3]],
  ["texts", { prompt_tokens: "5", completion_tokens: "7.0" }, [5, 7]],
  ["fractions", { prompt_tokens: 5.5, completion_tokens: 7.2 }, [6, 8]],
  ["more than there can be", { prompt_tokens: 1e18, completion_tokens: Number.POSITIVE_INFINITY }, [1e15, 1e15]],
  ["what is no number", { prompt_tokens: "5 tokens", completion_tokens: {}, total_tokens: -9 }, [0, 0]],
])("no less is counted than an upstream reports: %s", (_what, usage, [inputTokens, outputTokens]) => {
  expect(decodeUsage(usage)).toMatchObject({ inputTokens, outputTokens });
});

test("a transcription's duration is read beside its usage or in its place", () => {
  expect(decodeAnswerUsage({ text: "x", duration: 1.5 })).toEqual({ ...NO_USAGE, audioMs: 1500 });
  expect(decodeAnswerUsage({ text: "x", duration: "8.47" })).toEqual({ ...NO_USAGE, audioMs: 8470 });
  const usage = { type: "duration", seconds: 9 };
  expect(decodeAnswerUsage({ text: "x", duration: 8.47, usage })).toEqual({ ...NO_USAGE, audioMs: 9000 });
  expect(decodeAnswerUsage({ text: "x" })).toBeNull();
});

test("whatever an upstream calls usage, counts are whole numbers from 0 on", () => {
  const fields = [
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "input_tokens",
    "output_tokens",
    "seconds",
    "prompt_tokens_details",
  ];
  const value = fc.oneof(fc.anything(), fc.constantFrom(-1, 1.5, 1e300, "7", Number.NaN, { cached_tokens: 99 }));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...fields), value), (usage) => {
      const units = decodeUsage(usage);
      for (const count of Object.values(units ?? {})) expect(Number.isSafeInteger(count) && count >= 0).toBe(true);
      expect(units?.cachedTokens).toBeLessThanOrEqual(units?.inputTokens ?? -1);
    }),
  );
});
