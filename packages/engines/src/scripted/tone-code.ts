/**
 * Texts as tones, and tones as texts: what the scripted engines speak and understand. An utterance is a start tone, the
 * number of its bytes, the bytes and a checksum, each half byte one of sixteen tones; the tones say themselves how fast
 * they are. They survive resampling, telephones and lossy codecs.
 */

import type { WorkSlices } from "@openai-compat/core";

/** Of one tone, at the speed 1: about 17 characters a second. */
const TONE_MS = 30;
export const START_TONES = 4;
export const COUNT_TONES = 4;
const CHECKSUM_TONES = 2;
const FRAMING_TONES = START_TONES + COUNT_TONES + CHECKSUM_TONES;
export const UTTERANCE_BYTES_MAX = 0xff_ff;

export const START_HZ = 400;
const FIRST_HZ = 600;
const STEP_HZ = 200;
export const DIGITS = 16;
const AMPLITUDE = 0.3;
/** Softens the first and the last tone. */
const RAMP_MS = 2;

/** Samples from -1 to 1, a chunk for each tone. @param text at most `UTTERANCE_BYTES_MAX` bytes */
export function* speakTones(
  text: string,
  { sampleRate, speed }: { readonly sampleRate: number; readonly speed: number },
): Generator<Float32Array<ArrayBuffer>, void> {
  const digits = encodeDigits(new TextEncoder().encode(text));
  const tones = [...Array.from({ length: START_TONES }, () => START_HZ), ...digits.map(frequencyOf)];
  const length = Math.round((sampleRate * TONE_MS) / 1000 / speed);
  const ramp = Math.round((sampleRate * RAMP_MS) / 1000);
  let phase = 0;
  for (const [index, frequency] of tones.entries()) {
    const step = (2 * Math.PI * frequency) / sampleRate;
    const toEnd = (at: number) => (index === tones.length - 1 ? length - at : ramp);
    const fromStart = (at: number) => (index === 0 ? at : ramp);
    const samples = new Float32Array(length);
    for (let at = 0; at < length; at += 1) {
      phase = (phase + step) % (2 * Math.PI);
      samples[at] = AMPLITUDE * Math.sin(phase) * Math.min(1, fromStart(at) / ramp, toEnd(at) / ramp);
    }
    yield samples;
  }
}

function encodeDigits(bytes: Uint8Array): readonly number[] {
  return [...encodeCount(bytes.length), ...Array.from(bytes).flatMap(halve), ...halve(sumBytes(bytes))];
}

function encodeCount(count: number): readonly number[] {
  return [...halve(count >> 8), ...halve(count & 0xff)];
}

function halve(byte: number): readonly number[] {
  return [byte >> 4, byte & 15];
}

function sumBytes(bytes: Uint8Array): number {
  return bytes.reduce((sum, byte) => (sum + byte) & 0xff, 0);
}

export function frequencyOf(digit: number): number {
  return FIRST_HZ + STEP_HZ * digit;
}

/** Samples of one channel, from -1 to 1. */
export interface Sound {
  readonly samples: Float32Array;
  readonly sampleRate: number;
}

/** A stretch of sound between silences. */
export interface Utterance {
  readonly startMs: number;
  readonly endMs: number;
  /** What its tones say; null where it has others. */
  readonly text: string | null;
}

export const FRAME_MS = 5;
/** Below which it is silent. */
const SILENCE_LEVEL = 0.01;
/** Shorter pauses are part of an utterance. */
export const PAUSE_FRAMES = 6;

/** @throws what `slices` throws */
export async function listUtterances(sound: Sound, slices: WorkSlices): Promise<readonly Utterance[]> {
  const found: Utterance[] = [];
  for (const { start, end } of await findStretches(sound, slices)) {
    const startMs = Math.round((start * 1000) / sound.sampleRate);
    const endMs = Math.round((end * 1000) / sound.sampleRate);
    found.push({ startMs, endMs, text: await readTones(sound, { start, end }, slices) });
  }
  return found;
}

/** In samples. */
interface Stretch {
  readonly start: number;
  end: number;
}

async function findStretches({ samples, sampleRate }: Sound, slices: WorkSlices): Promise<readonly Stretch[]> {
  const length = Math.max(1, Math.round((sampleRate * FRAME_MS) / 1000));
  const stretches: Stretch[] = [];
  let silentFrames = PAUSE_FRAMES;
  for (let start = 0; start < samples.length; start += length) {
    if (slices.isOver) await slices.next();
    const frame = samples.subarray(start, start + length);
    if (!isLoud(frame)) {
      silentFrames += 1;
      continue;
    }
    const last = stretches.at(-1);
    const end = start + frame.length;
    if (last === undefined || silentFrames >= PAUSE_FRAMES) stretches.push({ start, end });
    else last.end = end;
    silentFrames = 0;
  }
  return stretches;
}

/** By its root mean square. @param frame not empty */
export function isLoud(frame: Float32Array): boolean {
  let sum = 0;
  for (let index = 0; index < frame.length; index += 1) sum += (frame[index] ?? 0) ** 2;
  return Math.sqrt(sum / frame.length) >= SILENCE_LEVEL;
}

/** How far the number of bytes, as the start tone's length tells it, may be off. */
const COUNT_TOLERANCE = 0.3;

/**
 * A stretch of so many tones has each of them in a known place, so the number of its bytes is right when the tones in
 * the places of the number say the same.
 */
async function readTones(sound: Sound, stretch: Stretch, slices: WorkSlices): Promise<string | null> {
  const length = stretch.end - stretch.start;
  const roughTone = measureStart(sound, stretch) / START_TONES;
  if (roughTone === 0) return null;
  const roughCount = (length / roughTone - FRAMING_TONES) / 2;
  const slack = 2 + Math.abs(roughCount) * COUNT_TOLERANCE;
  const last = Math.min(UTTERANCE_BYTES_MAX, Math.ceil(roughCount + slack));
  for (let count = Math.max(1, Math.floor(roughCount - slack)); count <= last; count += 1) {
    if (slices.isOver) await slices.next();
    const tone = length / (FRAMING_TONES + 2 * count);
    const read = (index: number) => readDigit(sound, stretch.start + (START_TONES + index) * tone, tone);
    const isCount = encodeCount(count).every((digit, index) => read(index) === digit);
    if (!isCount) continue;
    const bytes = new Uint8Array(count);
    for (let index = 0; index < count; index += 1) {
      if (slices.isOver) await slices.next();
      bytes[index] = readNumber(read, COUNT_TONES + 2 * index, 2);
    }
    const checksum = readNumber(read, COUNT_TONES + 2 * count, CHECKSUM_TONES);
    if (checksum === sumBytes(bytes)) return new TextDecoder().decode(bytes);
  }
  return null;
}

function readNumber(read: (index: number) => number, first: number, digits: number): number {
  let value = 0;
  for (let index = first; index < first + digits; index += 1) value = value * DIGITS + read(index);
  return value;
}

/** The loudest of the sixteen tones, in the middle of where it is. */
export function readDigit({ samples, sampleRate }: Sound, start: number, length: number): number {
  const middle = samples.subarray(Math.round(start + length * EDGE), Math.round(start + length * (1 - EDGE)));
  let loudest = { digit: 0, power: -1 };
  for (let digit = 0; digit < DIGITS; digit += 1) {
    const power = measurePower(middle, frequencyOf(digit) / sampleRate);
    if (power > loudest.power) loudest = { digit, power };
  }
  return loudest.digit;
}

/** Whether it is one tone and nothing else, in the middle of where it is. @param hertz of the tone */
export function isPure(
  { samples, sampleRate }: Sound,
  place: { start: number; length: number },
  hertz: number,
): boolean {
  const { start, length } = place;
  const middle = samples.subarray(Math.round(start + length * EDGE), Math.round(start + length * (1 - EDGE)));
  let energy = 0;
  for (let index = 0; index < middle.length; index += 1) energy += (middle[index] ?? 0) ** 2;
  return measurePower(middle, hertz / sampleRate) > PURE_POWER * energy * middle.length;
}

/** A tone alone has half. */
const PURE_POWER = 0.3;

/** The part of a tone at each end that its neighbour blurs. */
const EDGE = 0.15;

const START_FRAME_MS = 5;

/** @returns how many samples the start tone lasts; 0 for none */
export function measureStart({ samples, sampleRate }: Sound, { start, end }: Stretch): number {
  const length = Math.round((sampleRate * START_FRAME_MS) / 1000);
  const isStart = (at: number) => {
    const frame = samples.subarray(at, at + length);
    const power = measurePower(frame, START_HZ / sampleRate);
    return Array.from({ length: DIGITS }, (_, digit) => digit).every(
      (digit) => measurePower(frame, frequencyOf(digit) / sampleRate) < power,
    );
  };
  let at = start;
  const step = Math.max(1, Math.round(length / 5));
  while (at + length <= end && isStart(at)) at += step;
  return at === start ? 0 : at - start + length / 2;
}

/** Goertzel's algorithm. @param turns of the tone in one sample */
export function measurePower(samples: Float32Array, turns: number): number {
  const coefficient = 2 * Math.cos(2 * Math.PI * turns);
  let last = 0;
  let lastButOne = 0;
  for (let index = 0; index < samples.length; index += 1) {
    const next = (samples[index] ?? 0) + coefficient * last - lastButOne;
    lastButOne = last;
    last = next;
  }
  return last * last + lastButOne * lastButOne - coefficient * last * lastButOne;
}
