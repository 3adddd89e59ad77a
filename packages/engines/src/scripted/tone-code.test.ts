import { createWorkSlices } from "@openai-compat/core";
import { expect, test } from "vitest";
import { listUtterances, speakTones } from "./tone-code.ts";
import type { Sound } from "./tone-code.ts";

const SAMPLE_RATE = 24_000;
const TEXT = "The sea is wide, 20 °C: größer 😀.";

function speak(text: string, { speed = 1, sampleRate = SAMPLE_RATE, before = 0 } = {}): Sound {
  const pause = new Float32Array(Math.round(before * sampleRate));
  const chunks = [pause, ...speakTones(text, { sampleRate, speed }), pause];
  const samples = new Float32Array(chunks.reduce((sum, chunk) => sum + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    samples.set(chunk, at);
    at += chunk.length;
  }
  return { samples, sampleRate };
}

function listen(sound: Sound) {
  return listUtterances(sound, createWorkSlices({ signal: new AbortController().signal }));
}

test.each([0.25, 0.5, 1, 1.3, 2, 4])("a text is understood at the speed %d", async (speed) => {
  const [utterance, ...others] = await listen(speak(TEXT, { speed, before: 0.4 }));
  expect(utterance?.text).toBe(TEXT);
  expect(others).toEqual([]);
  expect(utterance?.startMs).toBeGreaterThanOrEqual(390);
  expect(utterance?.startMs).toBeLessThanOrEqual(410);
});

test.each([8000, 11_025, 16_000, 44_100, 48_000])("a text is understood at %d samples a second", async (sampleRate) => {
  expect((await listen(speak(TEXT, { sampleRate })))[0]?.text).toBe(TEXT);
});

test.each(["x", "ab", "x".repeat(4096), "é".repeat(2000)])("texts of any length are understood", async (text) => {
  expect((await listen(speak(text)))[0]?.text).toBe(text);
});

test("noise of a tenth of the tones' loudness does no harm", async () => {
  const { samples, sampleRate } = speak(TEXT, { before: 0.1 });
  const noisy = samples.map((sample, index) => sample + 0.008 * Math.sin(index * index));
  expect((await listen({ samples: noisy, sampleRate }))[0]?.text).toBe(TEXT);
});

test("other sounds are utterances without a text, and silence is none", async () => {
  const hum = Float32Array.from({ length: SAMPLE_RATE }, (_, index) => 0.2 * Math.sin(index / 7));
  expect(await listen({ samples: hum, sampleRate: SAMPLE_RATE })).toEqual([{ startMs: 0, endMs: 1000, text: null }]);
  expect(await listen({ samples: new Float32Array(SAMPLE_RATE), sampleRate: SAMPLE_RATE })).toEqual([]);
  expect(await listen({ samples: new Float32Array(0), sampleRate: SAMPLE_RATE })).toEqual([]);
});

test("an utterance that is cut off has no text", async () => {
  const { samples, sampleRate } = speak(TEXT);
  expect((await listen({ samples: samples.subarray(0, samples.length / 2), sampleRate }))[0]?.text).toBeNull();
});
