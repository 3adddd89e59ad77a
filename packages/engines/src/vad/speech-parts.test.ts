import { expect, test } from "vitest";
import { FRAME_SAMPLES } from "./silero-vad.ts";
import { createSpeechParts } from "./speech-parts.ts";
import type { SpeechPart, SpeechParts, SpeechPartsSettings } from "./speech-parts.ts";

const SECOND = 16_000;
const SETTINGS = {
  threshold: 0.5,
  paddingSamples: 0.2 * SECOND,
  pauseSamples: 0.3 * SECOND,
  joinedPauseSamplesMax: 2 * SECOND,
  partSamplesMax: 10 * SECOND,
  cutSamplesMin: 10 * SECOND,
};

/** Takes the first sample of each frame for its probability. */
function createParts(settings: Partial<SpeechPartsSettings> = {}): SpeechParts {
  const read = async (frames: Float32Array) =>
    Float32Array.from({ length: frames.length / FRAME_SAMPLES }, (_, frame) => frames[frame * FRAME_SAMPLES] ?? 0);
  return createSpeechParts({ read }, { ...SETTINGS, ...settings });
}

/** Stretches of seconds, each with the probability of speech. */
function createAudio(stretches: readonly (readonly [seconds: number, probability: number])[]): Float32Array {
  return Float32Array.from(
    stretches.flatMap(([seconds, probability]) => Array.from({ length: seconds * SECOND }, () => probability)),
  );
}

async function cut(audio: Float32Array, pieceSamples: number): Promise<readonly SpeechPart[]> {
  const parts = createParts();
  const taken: SpeechPart[] = [];
  const takeAll = () => {
    for (let part = parts.take(); part !== null; part = parts.take()) taken.push(part);
  };
  for (let at = 0; at < audio.length; at += pieceSamples) {
    await parts.feed(audio.slice(at, at + pieceSamples));
    takeAll();
  }
  await parts.finish();
  takeAll();
  expect(parts.passedSample).toBe(audio.length);
  return taken;
}

function describe(parts: readonly SpeechPart[]) {
  return parts.map(({ startSample, samples }) =>
    [startSample, startSample + samples.length].map((sample) => Math.round((sample / SECOND) * 10) / 10),
  );
}

test("silence and noise have no parts", async () => {
  expect(await cut(createAudio([[30, 0.1]]), SECOND)).toEqual([]);
  const click = createAudio([
    [3, 0.1],
    [0.03, 0.9],
    [3, 0.1],
  ]);
  expect(await cut(click, SECOND)).toEqual([]);
});

test("pieces with a short pause between them are one part, with a long one two", async () => {
  const audio = createAudio([
    [1, 0.1],
    [2, 0.9],
    [1, 0.1],
    [2, 0.9],
    [5, 0.1],
    [1, 0.9],
  ]);
  expect(describe(await cut(audio, SECOND))).toEqual([
    [0.8, 6.2],
    [10.8, 12],
  ]);
});

test("however the audio is fed, it is cut at the same places", async () => {
  const audio = createAudio([
    [1, 0.1],
    [6, 0.9],
    [0.4, 0.1],
    [1, 0.9],
    [0.8, 0.1],
    [3, 0.9],
    [1, 0.1],
  ]);
  const expected = describe(await cut(audio, SECOND));
  for (const pieceSamples of [100, 777, 5 * SECOND, audio.length]) {
    expect(describe(await cut(audio, pieceSamples))).toEqual(expected);
  }
  // At the longest pause of its second half.
  expect(expected).toEqual([
    [0.8, 8.6],
    [9, 12.4],
  ]);
});

test("speech without a pause is cut where it is least likely", async () => {
  const audio = createAudio([
    [8, 0.9],
    [0.1, 0.3],
    [6, 0.9],
  ]);
  const parts = await cut(audio, SECOND);
  expect(describe(parts)).toEqual([
    [0, 8.1],
    [8.1, 14.1],
  ]);
  expect(parts.map(({ isCut }) => isCut)).toEqual([false, false]);
});

test("speech that never weakens is cut as long as a part may be, and goes on where it was put back", async () => {
  const parts = createParts();
  await parts.feed(createAudio([[14, 0.9]]));
  const first = parts.take();
  expect(first?.isCut).toBe(true);
  expect(first?.samples.length).toBe(10 * SECOND);
  parts.putBack(9 * SECOND);
  await parts.finish();
  expect(describe([parts.take()].flatMap((part) => part ?? []))).toEqual([[9, 14]]);
});

test("what has not come yet is no pause: speech that never weakens is as long when it comes in small pieces", async () => {
  const parts = createParts();
  const audio = createAudio([[14, 0.9]]);
  let first: SpeechPart | null = null;
  for (let at = 0; at < audio.length && first === null; at += 0.1 * SECOND) {
    await parts.feed(audio.slice(at, at + 0.1 * SECOND));
    first = parts.take();
  }
  expect(first?.isCut).toBe(true);
  expect(first?.samples.length).toBe(10 * SECOND);
});

test("a part that is long enough ends with the next pause, as soon as that is known", async () => {
  const parts = createParts({ cutSamplesMin: 4 * SECOND });
  const audio = createAudio([
    [3, 0.9],
    [0.5, 0.1],
    [3, 0.9],
    [0.4, 0.1],
    [2, 0.9],
  ]);
  await parts.feed(audio.slice(0, 6.5 * SECOND));
  expect(parts.take()).toBeNull();
  expect(parts.growing()).toMatchObject({ startSample: 0, endSample: 6.5 * SECOND });
  await parts.feed(audio.slice(6.5 * SECOND, 6.9 * SECOND));
  expect(describe([parts.take()].flatMap((part) => part ?? []))).toEqual([[0, 6.7]]);
  await parts.feed(audio.slice(6.9 * SECOND));
  await parts.finish();
  expect(describe([parts.take()].flatMap((part) => part ?? []))).toEqual([[6.7, 8.9]]);
});

test("what grows is the part that it becomes, and no more is held than that and the last one", async () => {
  const parts = createParts({ cutSamplesMin: 4 * SECOND });
  const audio = createAudio(Array.from({ length: 60 }, (_, index) => [1 + (index % 3), index % 2 === 0 ? 0.9 : 0.1]));
  let held = 0;
  let grown: readonly number[] = [];
  for (let at = 0; at < audio.length; at += 0.1 * SECOND) {
    await parts.feed(audio.slice(at, at + 0.1 * SECOND));
    const part = parts.take();
    if (part === null) {
      const growing = parts.growing();
      if (growing !== null) grown = [growing.startSample, growing.endSample];
    } else {
      expect(grown).toEqual([part.startSample, part.startSample + part.samples.length]);
    }
    held = Math.max(held, parts.heldSamples);
  }
  expect(held).toBeLessThan(20 * SECOND);
});

test("no sample of speech is lost or given twice", async () => {
  const stretches = Array.from(
    { length: 40 },
    (_, index) => [0.4 + (index % 7) * 0.9, index % 2 === 0 ? 0.9 : 0.1] as const,
  );
  const audio = createAudio(stretches);
  const parts = await cut(audio, 3 * SECOND);
  let end = 0;
  let spoken = 0;
  for (const part of parts) {
    expect(part.startSample).toBeGreaterThanOrEqual(end);
    end = part.startSample + part.samples.length;
    spoken += part.samples.filter((sample) => sample > 0.5).length;
  }
  // What a frame has of speech at its end counts as silence.
  expect(spoken).toBeGreaterThan(audio.filter((sample) => sample > 0.5).length - 40 * FRAME_SAMPLES);
  expect(Math.max(...parts.map(({ samples }) => samples.length))).toBeLessThanOrEqual(10.4 * SECOND);
});
