import { expect, test } from "vitest";
import { buildSampling, shiftSeed } from "./sampling.ts";
import type { SamplingOptions } from "./sampling.ts";

const NOTHING: SamplingOptions = {
  temperature: null,
  topP: null,
  presencePenalty: 0,
  frequencyPenalty: 0,
  seed: 1,
  logitBias: {},
};
const RECOMMENDED = { temperature: 0.7, topP: 0.8, topK: 20, minP: 0.05, repeatPenalty: 1.1 };

test("a request without options gets the recommended ones, else the API's defaults", () => {
  expect(buildSampling(NOTHING, RECOMMENDED)).toMatchObject(RECOMMENDED);
  expect(buildSampling(NOTHING, { topP: 0.9, topK: undefined })).toMatchObject({ temperature: 1, topP: 0.9, topK: 0 });
  expect(buildSampling(NOTHING)).toMatchObject({ temperature: 1, topP: 1, topK: 0, minP: 0, repeatPenalty: 1 });
});

test.each([{ temperature: 1 }, { topP: 1 }, { topK: 0 }, { minP: 0 }, { repeatPenalty: 1 }])(
  "%j of the caller wins, and the rest is as recommended",
  (said) => {
    expect(buildSampling({ ...NOTHING, ...said }, RECOMMENDED)).toMatchObject({ ...RECOMMENDED, ...said });
  },
);

test("a temperature of 0 asks for the likeliest tokens, whatever is recommended", () => {
  const greedy = { temperature: 0, topP: 1, topK: 0, minP: 0, repeatPenalty: 1 };
  expect(buildSampling({ ...NOTHING, temperature: 0 }, RECOMMENDED)).toMatchObject(greedy);
  expect(buildSampling({ ...NOTHING, temperature: 0, topK: 5 }, RECOMMENDED)).toMatchObject({ ...greedy, topK: 5 });
});

test("requested penalties replace a recommended one", () => {
  for (const said of [{ presencePenalty: 0.5 }, { frequencyPenalty: -0.5 }]) {
    expect(buildSampling({ ...NOTHING, ...said }, RECOMMENDED)).toMatchObject({ ...said, repeatPenalty: 1 });
  }
});

test("a seed is any integer, and those of later choices follow it", () => {
  expect(buildSampling({ ...NOTHING, seed: -1 }).seed).toBe(2 ** 32 - 1);
  expect(shiftSeed(buildSampling({ ...NOTHING, seed: -1 }), 2).seed).toBe(1);
});
