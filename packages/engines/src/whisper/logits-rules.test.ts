import { expect, test } from "vitest";
import { applyRules, listAllowed, weighTokens } from "./logits-rules.ts";
import { createRandom, listLikeliest, sampleToken } from "./sample-token.ts";
import { rankLogits } from "./testing/rank-logits.ts";
import type { WhisperConfig } from "./whisper-config.ts";

/** Text 0 to 9, the end 10, special 11 to 19, timestamps from 20 on. */
const CONFIG = {
  tokens: {
    endOfText: 10,
    startOfTranscript: 11,
    translate: 12,
    transcribe: 13,
    startOfPrevious: 14,
    noSpeech: 15,
    noTimestamps: 16,
    firstTimestamp: 20,
  },
  suppressed: [3],
} as unknown as WhisperConfig;

function listSampleable(sampled: readonly number[], positions = 100, likely: Readonly<Record<number, number>> = {}) {
  const logits = new Float32Array(200);
  for (const [token, logit] of Object.entries(likely)) logits[Number(token)] = logit;
  const step = rankLogits(logits, CONFIG, { likeliest: 1, logits: false });
  applyRules(logits, weighTokens(step, listAllowed({ sampled, positions }, CONFIG.tokens)), CONFIG);
  return [...logits.keys()].filter((token) => logits[token] !== -Infinity);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test("a window begins with a timestamp of its first second", () => {
  expect(listSampleable([])).toEqual(range(20, 70));
});

test("nothing is said after the end of the audio", () => {
  expect(listSampleable([], 30)).toEqual(range(20, 50));
});

test("after the first timestamp comes text, without symbols and special tokens", () => {
  expect(listSampleable([20])).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
});

test("a segment's end comes after its start, and is followed by the next start or the end of the text", () => {
  expect(listSampleable([25, 1, 2], 100, { 4: 9 })).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, ...range(26, 120)]);
  expect(listSampleable([20, 1, 40])).toEqual(range(40, 120));
  expect(listSampleable([20, 1, 40], 100, { 10: 9 })).toEqual([10, ...range(40, 120)]);
  expect(listSampleable([20, 1, 40, 40])).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
});

test("timestamps come next when all of them together are likelier than any text", () => {
  expect(listSampleable([20, 1, 2], 100, { 4: 4 })).toEqual(range(21, 120));
  expect(listSampleable([20, 1, 2], 100, { 4: 5 })).toContain(4);
});

test("the likeliest tokens are those that the rules allow, with the probabilities that sampling knows", () => {
  const random = createRandom();
  const histories = [[], [20], [25, 1, 2], [20, 1, 40], [20, 1, 40, 40], [20, 1, 40, 40, 7]];
  for (const sampled of Array.from({ length: 20 }, () => histories).flat()) {
    const logits = Float32Array.from({ length: 200 }, (_, token) => 6 * random() + (token < 11 ? 4 : 0));
    const step = rankLogits(logits, CONFIG, { likeliest: 4, logits: true });
    const allowed = listAllowed({ sampled, positions: 90 }, CONFIG.tokens);
    const likeliest = listLikeliest(step, allowed, CONFIG.tokens);
    const coldest = sampleToken(step, allowed, { config: CONFIG, temperature: 0.001, random });

    expect(likeliest[0]?.token).toBe(coldest.token);
    expect(likeliest[0]?.logprob).toBeCloseTo(coldest.logprob, 5);
    const possible = [...logits.keys()].filter((token) => logits[token] !== -Infinity);
    const inOrder = possible.toSorted((a, b) => (logits[b] ?? 0) - (logits[a] ?? 0));
    expect(likeliest.map(({ token }) => token)).toEqual(inOrder.slice(0, 4));
    const total = possible.reduce((sum, token) => sum + Math.exp(logits[token] ?? 0), 0);
    expect(Math.exp(likeliest[0]?.logprob ?? 0)).toBeCloseTo(Math.exp(logits[coldest.token] ?? 0) / total, 5);
  }
});
