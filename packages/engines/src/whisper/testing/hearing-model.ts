/**
 * A Whisper without weights that hears what was spoken: each word of the audio is a stretch of one loudness. A word whose
 * end it has not heard yet it takes for another one, as the real model does.
 */

import type { WhisperConfig } from "../whisper-config.ts";
import { POSITION_SAMPLES } from "../whisper-model.ts";
import type { WhisperModel } from "../whisper-model.ts";
import { createWhisperText } from "../whisper-text.ts";
import { rankLogits } from "./rank-logits.ts";

/** Different words that can be spoken. */
const WORDS = 400;
const WORD_MS = 400;
const END = 2 * WORDS;
const TIMESTAMPS = 501;
const SAMPLES_PER_MS = 16;
const WORD_SAMPLES = WORD_MS * SAMPLES_PER_MS;
/** The window has ten seconds. */
const WINDOW_POSITIONS = 500;

const CONFIG: WhisperConfig = {
  width: 64,
  heads: 1,
  encoderLayers: 1,
  decoderLayers: 1,
  mels: 80,
  vocabularySize: END + 7 + TIMESTAMPS,
  textPositions: 448,
  audioPositions: WINDOW_POSITIONS,
  isMultilingual: false,
  tokens: {
    endOfText: END,
    startOfTranscript: END + 1,
    translate: END + 2,
    transcribe: END + 3,
    startOfPrevious: END + 4,
    noSpeech: END + 5,
    noTimestamps: END + 6,
    firstTimestamp: END + 7,
  },
  languages: {},
  suppressed: [],
  suppressedFirst: [],
  alignmentHeads: [[0, 0]],
};

/** As it is heard by a model of `createHearingModel`. */
export function nameWord(index: number): string {
  return `w${String(index).padStart(3, "0")}`;
}

/** Samples between -1 and 1. Null stands for a tenth of a second of silence, a number for a word. */
export function speakWords(spoken: readonly (number | null)[]): Float32Array {
  return Float32Array.from(
    spoken.flatMap((word) =>
      word === null
        ? Array.from({ length: 100 * SAMPLES_PER_MS }, () => 0)
        : Array.from({ length: WORD_SAMPLES }, () => (word + 1) / 1000),
    ),
  );
}

/** How likely a frame holds speech, for a detector. */
export function hearSpeech(frames: Float32Array, frameSamples: number): Float32Array {
  return Float32Array.from({ length: frames.length / frameSamples }, (_, frame) =>
    frames.subarray(frame * frameSamples, (frame + 1) * frameSamples).some((sample) => sample > 0) ? 0.9 : 0.05,
  );
}

export interface HearingModel {
  readonly model: WhisperModel;
  readonly text: ReturnType<typeof createWhisperText>;
  /** Samples of each window that was encoded, padding not counted. */
  readonly encoded: number[];
  /** Steps of the decoder. */
  readonly steps: { count: number };
  /** Set: the model waits for it before each step. */
  gate: Promise<void> | null;
}

export function createHearingModel(): HearingModel {
  const names = Array.from({ length: 2 * WORDS }, (_, id) =>
    Buffer.from(id < WORDS ? ` ${nameWord(id)}` : ` half${String(id - WORDS)}`),
  );
  const hearing: HearingModel = {
    text: createWhisperText(names),
    encoded: [],
    steps: { count: 0 },
    gate: null,
    model: {
      config: CONFIG,
      windowSamples: WINDOW_POSITIONS * POSITION_SAMPLES,
      async encode(samples) {
        await hearing.gate;
        hearing.encoded.push(samples.findLastIndex((sample) => sample > 0) + 1);
        // The fake's own way from here to `decode`.
        return Object.assign({ positions: WINDOW_POSITIONS, tensors: {} }, { heard: listHeard(samples) });
      },
      decode(audio) {
        const heard = "heard" in audio && Array.isArray(audio.heard) ? audio.heard.filter(isHeard) : [];
        return createState(heard, hearing);
      },
      dispose: async () => {},
    },
  };
  return hearing;
}

interface HeardWord {
  readonly token: number;
  readonly start: number;
  readonly end: number;
}

function isHeard(value: unknown): value is HeardWord {
  return typeof value === "object" && value !== null && "token" in value;
}

function listHeard(samples: Float32Array): readonly HeardWord[] {
  const heard: HeardWord[] = [];
  for (let start = 0; start < samples.length;) {
    const level = samples[start] ?? 0;
    let end = start;
    while (end < samples.length && samples[end] === level) end += 1;
    const word = Math.round(level * 1000) - 1;
    const isWhole = end - start >= WORD_SAMPLES * 0.9;
    if (level > 0 && end - start >= WORD_SAMPLES / 4) heard.push({ token: isWhole ? word : WORDS + word, start, end });
    start = end;
  }
  return heard;
}

function createState(heard: readonly HeardWord[], hearing: HearingModel): ReturnType<WhisperModel["decode"]> {
  const { firstTimestamp, startOfTranscript } = CONFIG.tokens;
  let texts: readonly (readonly number[])[] = [[]];
  const stamp = (sample: number): number =>
    firstTimestamp + Math.min(WINDOW_POSITIONS, Math.ceil(sample / POSITION_SAMPLES));
  /** A word that was given to it by its beginning counts as the one that it hears. */
  const followWord = (said: readonly number[]): HeardWord | undefined => {
    const last = said.findLast((token) => token < END);
    if (last === undefined) return heard[0];
    return heard[heard.findIndex(({ token }) => token % WORDS === last % WORDS) + 1];
  };
  const nextToken = (said: readonly number[]): number => {
    if (said.length === 0) return firstTimestamp;
    const word = followWord(said);
    const stamps = said.length - 1 - said.findLastIndex((token) => token < END);
    const hasText = said.some((token) => token < END);
    const isCut = (said.at(-1) ?? END) < END && (said.at(-1) ?? 0) >= WORDS;
    if (word === undefined) return stamps === 0 && hasText && !isCut ? stamp(heard.at(-1)?.end ?? 0) : END;
    // What goes on after the window is a segment of its own, without an end.
    return word.token >= WORDS && hasText && stamps < 2 ? stamp(word.start) : word.token;
  };
  return {
    get length() {
      return texts[0]?.length ?? 0;
    },
    async step(continuations, options) {
      await hearing.gate;
      hearing.steps.count += 1;
      texts = continuations.map(({ parent, tokens }) => [...(texts[parent] ?? []), ...tokens]);
      return texts.map((tokens) => {
        const said = tokens.slice(tokens.indexOf(startOfTranscript) + 1);
        const logits = new Float32Array(CONFIG.vocabularySize).fill(-30);
        logits[nextToken(said)] = 0;
        return {
          ...rankLogits(logits, CONFIG, options),
          attention: options.attention ? [attendTo(followWord(said))] : null,
        };
      });
    },
  };
}

function attendTo(word: HeardWord | undefined): Float32Array {
  return Float32Array.from({ length: WINDOW_POSITIONS }, (_, position) => {
    const sample = position * POSITION_SAMPLES;
    return word !== undefined && sample >= word.start && sample < word.end ? 1 : 0.001;
  });
}
