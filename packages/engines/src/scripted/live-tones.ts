/**
 * Understands the tone code while it arrives, letter by letter, and hears words of its own in other sounds, one for each
 * stretch of time: the text is the one that the recording as a whole has.
 */

import {
  COUNT_TONES,
  DIGITS,
  START_HZ,
  START_TONES,
  frequencyOf,
  isPure,
  measurePower,
  measureStart,
  readDigit,
} from "./tone-code.ts";
import type { Sound } from "./tone-code.ts";

/** What a stretch of sound says so far. */
export interface LiveTones {
  /** @param samples from -1 to 1, without the silence after them. @returns the text that has come to it. */
  push(samples: Float32Array): string;
  /** The stretch is over. @returns the rest of its text. */
  end(): string;
}

export interface LiveTonesOptions {
  readonly sampleRate: number;
  /** The words of a text that is as long as the sound. */
  readonly inventWord: (index: number) => string;
  readonly msPerWord: number;
}

/** Within it the start tone has begun, and lasts. */
const DECISION_MS = 15;
/** Longer than that of the slowest speech. */
const START_TONE_MS_MAX = 600;

export function createLiveTones(options: LiveTonesOptions): LiveTones {
  const { sampleRate } = options;
  const heard = createSoundWindow(sampleRate);
  let reader: LiveTones | null = null;

  /** Waits for the end of the start tone. */
  function decide(): LiveTones | null {
    const { sound } = heard;
    const lengthMs = (sound.samples.length * 1000) / sampleRate;
    if (lengthMs < DECISION_MS) return null;
    const startLength = measureStart(sound, { start: 0, end: sound.samples.length });
    if (startLength === 0 || lengthMs > START_TONE_MS_MAX) return createWordReader(sound.samples.length, options);
    if (!isPure(sound, { start: 0, length: startLength }, START_HZ))
      return createWordReader(sound.samples.length, options);
    const isOver = sound.samples.length - startLength > (sampleRate * DECISION_MS) / 1000;
    return isOver ? readTones(startLength / START_TONES) : null;
  }

  /** Sound that begins like a text and goes on like none has words like others. */
  function readTones(tone: number): LiveTones {
    const tones = createToneReader(heard, tone);
    let words: LiveTones | null = null;
    const read = (text: string): string => {
      if (!tones.isOther) return text;
      words = createWordReader(tones.samples, options);
      return words.push(NO_SAMPLES);
    };
    return {
      push: (samples) => words?.push(samples) ?? read(tones.push(samples)),
      end: () => (words ?? (tones.isOther ? createWordReader(tones.samples, options) : tones)).end(),
    };
  }

  return {
    push(samples) {
      if (reader !== null) return reader.push(samples);
      heard.add(samples);
      reader = decide();
      return reader?.push(NO_SAMPLES) ?? "";
    },
    end: () => (reader ?? createWordReader(heard.sound.samples.length, options)).end(),
  };
}

const NO_SAMPLES = new Float32Array(0);

/** The newest part of a sound. */
function createSoundWindow(sampleRate: number) {
  let samples = new Float32Array(sampleRate);
  let length = 0;
  let offset = 0;
  return {
    add(more: Float32Array): void {
      if (length + more.length > samples.length) {
        const larger = new Float32Array(2 * (length + more.length));
        larger.set(samples);
        samples = larger;
      }
      samples.set(more, length);
      length += more.length;
    },
    /** @param position in samples from the beginning; those before it are not read any more. */
    forgetUntil(position: number): void {
      const count = Math.floor(position) - offset;
      if (count < sampleRate) return;
      samples.copyWithin(0, count, length);
      length -= count;
      offset += count;
    },
    /** Samples from the beginning that are forgotten. */
    get offset() {
      return offset;
    },
    get sound(): Sound {
      return { samples: samples.subarray(0, length), sampleRate };
    },
  };
}

type SoundWindow = ReturnType<typeof createSoundWindow>;

/** @param samplesBefore of the same stretch */
function createWordReader(samplesBefore: number, { sampleRate, inventWord, msPerWord }: LiveTonesOptions): LiveTones {
  let samplesHeard = samplesBefore;
  let words = 0;
  const goOnUntil = (count: number): string => {
    let text = "";
    for (; words < count; words += 1) text += words === 0 ? inventWord(words) : ` ${inventWord(words)}`;
    return text;
  };
  const countWords = () => Math.round((samplesHeard * 1000) / sampleRate / msPerWord);
  return {
    push(samples) {
      samplesHeard += samples.length;
      return goOnUntil(countWords());
    },
    end: () => goOnUntil(Math.max(1, countWords())),
  };
}

/** The part of a tone behind it that must have come before it is read. */
const LOOK_AHEAD = 0.5;
/** The part of a tone within which the border to the next one is looked for. */
const BORDER_REACH = 0.3;
/** How much of what a border says is believed. */
const BORDER_WEIGHT = 0.5;
const BORDER_STEPS = 24;

interface ToneReader extends LiveTones {
  /** Whether it is no text, as its length is none. */
  readonly isOther: boolean;
  /** That have come. */
  readonly samples: number;
}

function createToneReader(heard: SoundWindow, roughTone: number): ToneReader {
  const decoder = new TextDecoder();
  const digits: number[] = [];
  let tone = roughTone;
  let isOther = false;

  /** Each change of the tone says how long tones are: the further from the start, the better. */
  function adjust(index: number, digit: number): void {
    const before = digits.at(-1);
    if (before === digit) return;
    const hertz = [before === undefined ? START_HZ : frequencyOf(before), frequencyOf(digit)] as const;
    const at = index * tone - heard.offset;
    const border = heard.offset + findBorder(heard.sound, { at, reach: BORDER_REACH * tone }, hertz);
    tone += (border / index - tone) * BORDER_WEIGHT;
  }

  function read(lookAhead: number): string {
    let text = "";
    while (!isComplete(digits) && !isOther) {
      const index = START_TONES + digits.length;
      const { sound, offset } = heard;
      if ((index + 1 + lookAhead) * tone > offset + sound.samples.length) break;
      const start = index * tone - offset;
      const digit = readDigit(sound, start, tone);
      isOther = digits.length < COUNT_TONES && !isPure(sound, { start, length: tone }, frequencyOf(digit));
      if (isOther) break;
      adjust(index, digit);
      digits.push(digit);
      const isByte = digits.length > COUNT_TONES && (digits.length - COUNT_TONES) % 2 === 0;
      if (isByte) text += decoder.decode(Uint8Array.of((digits.at(-2) ?? 0) * DIGITS + digit), { stream: true });
      heard.forgetUntil((index - 1) * tone);
    }
    return text;
  }

  return {
    push(samples) {
      heard.add(samples);
      if (isComplete(digits)) heard.forgetUntil(heard.offset + heard.sound.samples.length);
      return read(LOOK_AHEAD);
    },
    end: () => read(-LOOK_AHEAD) + decoder.decode(),
    get isOther() {
      return isOther;
    },
    get samples() {
      return heard.offset + heard.sound.samples.length;
    },
  };
}

/** Whether the bytes that were announced have come; their checksum says nothing to one who has said them already. */
function isComplete(digits: readonly number[]): boolean {
  if (digits.length < COUNT_TONES) return false;
  const count = digits.slice(0, COUNT_TONES).reduce((value, digit) => value * DIGITS + digit, 0);
  return digits.length >= COUNT_TONES + 2 * count;
}

/** Where one tone gives way to the other: in samples. */
function findBorder(
  { samples, sampleRate }: Sound,
  { at, reach }: { readonly at: number; readonly reach: number },
  [before, after]: readonly [number, number],
): number {
  let best = { border: at, power: -1 };
  for (let step = -BORDER_STEPS; step <= BORDER_STEPS; step += 1) {
    const border = Math.round(at + (step / BORDER_STEPS) * reach);
    const power =
      measurePower(samples.subarray(Math.max(0, Math.round(border - 2 * reach)), border), before / sampleRate) +
      measurePower(samples.subarray(border, Math.round(border + 2 * reach)), after / sampleRate);
    if (power > best.power) best = { border, power };
  }
  return best.border;
}
