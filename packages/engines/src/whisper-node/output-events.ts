/** What whisper.cpp wrote of each part of one recording, in order, as the events of its transcription. */

import { deflateSync } from "node:zlib";
import type {
  TranscribedSegment,
  TranscribedWord,
  TranscriptionEvent,
  TranscriptionOptions,
} from "@openai-compat/core";
import type { OutputSegment, OutputToken } from "./parse-output.ts";

export interface OutputEventsOptions {
  readonly options: Pick<TranscriptionOptions, "words" | "logprobs">;
  /** Tokens from this one on are no text. */
  readonly endOfText: number;
  /** How likely it is that nobody speaks between two samples, 0 to 1. */
  readonly measureSilence: (start: number, end: number) => number;
  /** A text with more of it was made up: whisper.cpp writes some of silence. */
  readonly silenceMax: number;
}

/** Of the recording that whisper.cpp listened to: where it lies in the whole, padding not counted. */
export interface HeardPart {
  readonly startSample: number;
  readonly samples: number;
}

const SAMPLES_PER_MS = 16;
const SAMPLES_PER_CENTISECOND = 160;
/** Of a token that whisper.cpp prints as impossible: it prints six digits. */
const PROBABILITY_MIN = 1e-7;

export class OutputEvents {
  readonly #options: OutputEventsOptions;
  #segments = 0;
  #lastStartMs = 0;
  /** Spaces that are only text when more text follows. */
  #heldSpaces: string | null = null;
  #outputTokens = 0;

  constructor(options: OutputEventsOptions) {
    this.#options = options;
  }

  get outputTokens(): number {
    return this.#outputTokens;
  }

  *create(segments: readonly OutputSegment[], part: HeardPart): Generator<TranscriptionEvent, void> {
    for (const segment of segments) {
      this.#outputTokens += segment.tokens.length;
      const spoken = segment.tokens.filter(({ id }) => id < this.#options.endOfText);
      const text = decodeTokens(spoken);
      if (text.trim() === "" || this.#isMadeUp(segment, part)) continue;
      const logprobs = this.#options.options.logprobs ? spoken.map(describeToken) : null;
      yield { type: "text-delta", text: this.#joinSpaces(text), logprobs };
      yield { type: "segment", segment: this.#createSegment({ segment, spoken, text }, part) };
    }
  }

  #isMadeUp(segment: OutputSegment, part: HeardPart): boolean {
    const { silenceMax } = this.#options;
    return this.#measureSilence(placeIn(part, segment.startMs), placeIn(part, segment.endMs)) > silenceMax;
  }

  #measureSilence(startMs: number, endMs: number): number {
    return this.#options.measureSilence(startMs * SAMPLES_PER_MS, endMs * SAMPLES_PER_MS);
  }

  #joinSpaces(text: string): string {
    const joined = this.#heldSpaces === null ? text.trimStart() : this.#heldSpaces + text;
    const trimmed = joined.trimEnd();
    this.#heldSpaces = joined.slice(trimmed.length);
    return trimmed;
  }

  #createSegment({ segment, spoken, text }: SegmentFacts, part: HeardPart): TranscribedSegment {
    const startMs = Math.max(this.#lastStartMs, placeIn(part, segment.startMs));
    const endMs = Math.max(startMs, placeIn(part, segment.endMs));
    this.#lastStartMs = startMs;
    const id = this.#segments;
    this.#segments += 1;
    const clamp = (offsetMs: number): number => Math.min(endMs, Math.max(startMs, placeIn(part, offsetMs)));
    return {
      id,
      seek: Math.floor(part.startSample / SAMPLES_PER_CENTISECOND),
      startMs,
      endMs,
      text,
      tokens: segment.tokens.map((token) => token.id),
      // It is not asked to raise it.
      temperature: 0,
      averageLogprob: averageLogprob(segment.tokens),
      compressionRatio: Buffer.byteLength(text) / deflateSync(text).length,
      noSpeechProbability: this.#measureSilence(startMs, endMs),
      words: this.#options.options.words ? timeWords(spoken, clamp) : null,
    };
  }
}

interface SegmentFacts {
  readonly segment: OutputSegment;
  readonly spoken: readonly OutputToken[];
  readonly text: string;
}

/** Where something of the part lies in the whole recording, in milliseconds. */
function placeIn({ startSample, samples }: HeardPart, offsetMs: number): number {
  return Math.floor(startSample / SAMPLES_PER_MS + Math.min(Math.max(0, offsetMs), samples / SAMPLES_PER_MS));
}

function decodeTokens(tokens: readonly OutputToken[]): string {
  return Buffer.concat(tokens.map(({ bytes }) => bytes)).toString("utf8");
}

function describeToken({ bytes, probability }: OutputToken) {
  return { text: bytes.toString("utf8"), bytes: [...bytes], logprob: Math.log(Math.max(PROBABILITY_MIN, probability)) };
}

function averageLogprob(tokens: readonly OutputToken[]): number {
  const sum = tokens.reduce((total, { probability }) => total + Math.log(Math.max(PROBABILITY_MIN, probability)), 0);
  return sum / Math.max(1, tokens.length);
}

/** A word begins with a space; in a language without spaces with every character. */
function timeWords(tokens: readonly OutputToken[], clamp: (offsetMs: number) => number): readonly TranscribedWord[] {
  const words: TranscribedWord[] = [];
  let pending: OutputToken[] = [];
  let lastMs = 0;
  for (const [index, token] of tokens.entries()) {
    pending.push(token);
    const piece = decodeTokens(pending);
    // Part of a character.
    if (piece.includes("\uFFFD") && index + 1 < tokens.length) continue;
    const times = pending.flatMap((part) => part.times ?? []);
    const startMs = Math.max(lastMs, clamp(times[0]?.startMs ?? 0));
    const endMs = Math.max(startMs, clamp(times.at(-1)?.endMs ?? 0));
    const previous = words.at(-1);
    if (previous !== undefined && continuesWord(piece, previous.word)) {
      words[words.length - 1] = { ...previous, word: previous.word + piece.trim(), endMs };
    } else {
      words.push({ word: piece.trim(), startMs, endMs });
      lastMs = startMs;
    }
    pending = [];
  }
  return words.filter(({ word }) => word !== "");
}

/** Scripts whose words have no spaces between them. */
const UNSPACED =
  /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
const PUNCTUATION = /^\s*[\p{P}\p{S}]+$/u;

function continuesWord(piece: string, previous: string): boolean {
  if (PUNCTUATION.test(piece)) return true;
  return !/^\s/.test(piece) && !UNSPACED.test(piece) && previous !== "";
}
