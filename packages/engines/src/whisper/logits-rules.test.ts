import { expect, test } from "vitest";
import { applyRules } from "./logits-rules.ts";
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
  suppressedFirst: [5, 10],
} as unknown as WhisperConfig;

function listAllowed(sampled: readonly number[], positions = 100, likely: Readonly<Record<number, number>> = {}) {
  const logits = new Float32Array(200);
  for (const [token, logit] of Object.entries(likely)) logits[Number(token)] = logit;
  applyRules(logits, { sampled, positions }, CONFIG);
  return [...logits.keys()].filter((token) => logits[token] !== -Infinity);
}

function range(from: number, to: number): readonly number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

test("a window begins with a timestamp of its first second", () => {
  expect(listAllowed([])).toEqual(range(20, 70));
});

test("nothing is said after the end of the audio", () => {
  expect(listAllowed([], 30)).toEqual(range(20, 50));
});

test("after the first timestamp comes text, without symbols and special tokens", () => {
  expect(listAllowed([20])).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
});

test("a segment's end comes after its start, and is followed by the next start or the end of the text", () => {
  expect(listAllowed([25, 1, 2], 100, { 4: 9 })).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, ...range(26, 120)]);
  expect(listAllowed([20, 1, 40])).toEqual(range(40, 120));
  expect(listAllowed([20, 1, 40], 100, { 10: 9 })).toEqual([10, ...range(40, 120)]);
  expect(listAllowed([20, 1, 40, 40])).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10]);
});

test("timestamps come next when all of them together are likelier than any text", () => {
  expect(listAllowed([20, 1, 2], 100, { 4: 4 })).toEqual(range(21, 120));
  expect(listAllowed([20, 1, 2], 100, { 4: 5 })).toContain(4);
});
