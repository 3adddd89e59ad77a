import { expect, test } from "vitest";
import type { SpeechBoundary } from "@openai-compat/core";
import { FRAME_SAMPLES } from "./silero-vad.ts";
import { createSpeechBoundaries } from "./speech-boundaries.ts";

const SECOND = 16_000;
const FRAME_MS = 32;

/** The likelihood of each frame, as its samples. */
function createAudio(probabilities: readonly number[]): Float32Array {
  return Float32Array.from(
    probabilities.flatMap((probability) => Array.from({ length: FRAME_SAMPLES }, () => probability)),
  );
}

function frames(count: number, probability: number): readonly number[] {
  return Array.from({ length: count }, () => probability);
}

async function find(audio: Float32Array, pieceSamples = audio.length, threshold = 0.5) {
  const read = async (samples: Float32Array) =>
    Float32Array.from({ length: samples.length / FRAME_SAMPLES }, (_, frame) => samples[frame * FRAME_SAMPLES] ?? 0);
  const boundaries = createSpeechBoundaries(
    { read, skip: () => {} },
    { threshold, prefixPaddingMs: 300, silenceMs: 10 * FRAME_MS },
  );
  const found: (SpeechBoundary & { knownAt: number })[] = [];
  for (let at = 0; at < audio.length; at += pieceSamples) {
    const piece = audio.slice(at, at + pieceSamples);
    for (const boundary of await boundaries.feed(piece)) found.push({ ...boundary, knownAt: at + piece.length });
  }
  return found;
}

const SPEECH = createAudio([
  ...frames(20, 0.1),
  ...frames(30, 0.9),
  ...frames(9, 0.1),
  ...frames(5, 0.9),
  ...frames(20, 0.1),
]);

test("speech starts with its first frame and stops with its last one, whatever the pieces' sizes", async () => {
  for (const pieceSamples of [1, 100, 160, 512, 1600, 777, SPEECH.length]) {
    const found = await find(pieceSamples === 1 ? SPEECH.slice(0, 24 * FRAME_SAMPLES) : SPEECH, pieceSamples);
    const boundaries = found.map(({ type, atMs }) => ({ type, atMs }));
    expect(boundaries[0]).toEqual({ type: "speech-started", atMs: 20 * FRAME_MS });
    // A pause that is shorter than asked for stops nothing.
    if (pieceSamples > 1) expect(boundaries.slice(1)).toEqual([{ type: "speech-stopped", atMs: 64 * FRAME_MS }]);
  }
});

test("a boundary is said with the frame that shows it", async () => {
  const [started, stopped] = await find(SPEECH, FRAME_SAMPLES);
  expect(started?.knownAt).toBe(22 * FRAME_SAMPLES);
  expect(stopped?.knownAt).toBe(74 * FRAME_SAMPLES);
});

test("a click is no speech, and neither is a likelihood that stays below the threshold", async () => {
  expect(await find(createAudio([...frames(10, 0.1), 0.9, ...frames(30, 0.1)]))).toEqual([]);
  expect(await find(createAudio(frames(100, 0.45)))).toEqual([]);
});

test("speech goes on while its likelihood is only a little below the threshold", async () => {
  const found = await find(createAudio([...frames(5, 0.9), ...frames(40, 0.4), ...frames(12, 0.1)]));
  expect(found.map(({ atMs }) => atMs)).toEqual([0, 45 * FRAME_MS]);
});

test("speech stops at any threshold", async () => {
  const found = await find(createAudio([...frames(5, 0.9), ...frames(12, 0.001)]), SECOND, 0.1);
  expect(found.map(({ atMs }) => atMs)).toEqual([0, 5 * FRAME_MS]);
});

test("a microphone that is switched off costs no run of the model, and times count on", async () => {
  let runs = 0;
  let skipped = 0;
  const read = async (samples: Float32Array) => {
    runs += 1;
    return new Float32Array(samples.length / FRAME_SAMPLES).fill(0.9);
  };
  const skip = (samples: Float32Array) => void (skipped += samples.length);
  const boundaries = createSpeechBoundaries({ read, skip }, { threshold: 0.5, prefixPaddingMs: 0, silenceMs: 320 });
  for (let second = 0; second < 64; second += 1) expect(await boundaries.feed(new Float32Array(SECOND))).toEqual([]);
  expect(runs).toBe(0);
  expect(skipped).toBe(64 * SECOND);
  const noise = new Float32Array(3 * FRAME_SAMPLES).fill(0.01);
  expect(await boundaries.feed(noise)).toEqual([{ type: "speech-started", atMs: 64_000 }]);
  // Muted in the middle of speech: the model decides where it ends.
  await boundaries.feed(new Float32Array(FRAME_SAMPLES));
  expect(runs).toBe(2);
});
