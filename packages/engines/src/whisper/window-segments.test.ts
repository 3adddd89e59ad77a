import { expect, test } from "vitest";
import { splitWindow } from "./window-segments.ts";
import type { WhisperConfig } from "./whisper-config.ts";

const SPECIAL = { firstTimestamp: 100 } as WhisperConfig["tokens"];
/** 20 ms. */
const STEP = 320;

function at(step: number): number {
  return 100 + step;
}

test("a window is split at pairs of timestamps; what follows the last pair is listened to again", () => {
  const tokens = [at(0), 1, 2, at(50), at(60), 3, at(120), at(130), 4];
  expect(splitWindow(tokens, 300 * STEP, SPECIAL)).toEqual({
    segments: [
      { startSample: 0, endSample: 50 * STEP, from: 0, to: 4 },
      { startSample: 60 * STEP, endSample: 120 * STEP, from: 4, to: 7 },
    ],
    advanceSamples: 120 * STEP,
  });
});

test("a single timestamp at the end explains the whole window", () => {
  const tokens = [at(0), 1, at(50), at(60), 3, at(120)];
  const { segments, advanceSamples } = splitWindow(tokens, 300 * STEP, SPECIAL);
  expect(segments.map(({ endSample }) => endSample)).toEqual([50 * STEP, 120 * STEP]);
  expect(advanceSamples).toBe(300 * STEP);
});

test("text without a pair is one segment", () => {
  expect(splitWindow([at(10), 1, 2], 300 * STEP, SPECIAL)).toEqual({
    segments: [{ startSample: 10 * STEP, endSample: 10 * STEP, from: 0, to: 3 }],
    advanceSamples: 300 * STEP,
  });
  expect(splitWindow([at(10), 1, at(40)], 300 * STEP, SPECIAL).segments).toEqual([
    { startSample: 10 * STEP, endSample: 40 * STEP, from: 0, to: 3 },
  ]);
});

test("times end with the audio, and a window always gets on", () => {
  const { segments, advanceSamples } = splitWindow([at(0), 1, at(0), at(0), 2], 30 * STEP, SPECIAL);
  expect(advanceSamples).toBe(30 * STEP);
  for (const { endSample } of segments) expect(endSample).toBeLessThanOrEqual(30 * STEP);
});
