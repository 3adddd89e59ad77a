/**
 * A transcription engine without weights: it understands what the scripted speech engine says, letter by letter. In
 * other sounds it hears words of its own, as many as fit into their time, the same ones every time; in silence nothing.
 */

import { deflateSync } from "node:zlib";
import { setTimeout as delay } from "node:timers/promises";
import { AiError, createWorkSlices } from "@openai-compat/core";
import type {
  TokenProbability,
  TranscribedSegment,
  TranscribedWord,
  TranscriptionEngine,
  TranscriptionEvent,
  TranscriptionOptions,
} from "@openai-compat/core";
import { DECODED_RATE_HZ, decodeAudio } from "../audio/index.ts";
import { createRunningCalls } from "./running-calls.ts";
import { createHeldAudio } from "../shared/held-audio.ts";
import { createSlotPool } from "../shared/slot-pool.ts";
import { createScriptedLive } from "./scripted-live.ts";
import { decodeToken, encodeText } from "./scripted-tokens.ts";
import { listUtterances } from "./tone-code.ts";
import type { Sound, Utterance } from "./tone-code.ts";

export interface ScriptedTranscriptionSettings {
  /** Concurrent transcriptions; further ones are queued. Default 4. */
  readonly concurrency?: number;
  /** Pause before each segment, and before the end. Default 0. */
  readonly segmentDelayMs?: number;
  /** Turns of live audio that run side by side. Default 32. */
  readonly liveTurns?: number;
}

interface Recording extends Sound {
  readonly audioMs: number;
}

/** What it calls whatever it hears, unless a request says otherwise. */
const LANGUAGE = "en";
const LANGUAGES = ["de", "en", "es", "fr", "it", "ja", "pt", "zh"];
const LANGUAGE_PROBABILITY = 0.9;
const NO_SPEECH_PROBABILITY = 0.05;
const LOGPROB = -0.25;
const MS_PER_WORD = 400;
/** Of samples in 16 bits. */
const SAMPLE_SCALE = 32_768;
const WORDS = ["the", "sea", "is", "wide", "and", "rain", "falls", "on", "roof"];
/** Positions of an encoder that looks at audio in steps of 20 ms. */
const AUDIO_TOKENS_PER_SECOND = 50;
const MS_PER_SEEK_STEP = 10;

export function createScriptedTranscriptionEngine(settings: ScriptedTranscriptionSettings = {}): TranscriptionEngine {
  const { concurrency = 4, segmentDelayMs = 0, liveTurns = 32 } = settings;
  const slots = createSlotPool(Array.from({ length: concurrency }, () => ({})));
  const running = createRunningCalls();
  const held = createHeldAudio<Recording>();

  async function* listen(
    recording: Recording,
    options: TranscriptionOptions,
    signal: AbortSignal,
  ): AsyncGenerator<TranscriptionEvent, void> {
    const slices = createWorkSlices({ signal });
    await slices.next();
    const utterances = await listUtterances(recording, slices);
    yield describeLanguage(options, utterances.length > 0);
    let outputTokens = 0;
    const pause = async () => {
      if (segmentDelayMs > 0) await delay(segmentDelayMs, undefined, { signal });
    };
    for (const [id, utterance] of utterances.entries()) {
      await pause();
      const { deltas, segment } = transcribeUtterance(utterance, id, options);
      for (const delta of deltas) {
        await slices.next();
        yield delta;
      }
      outputTokens += segment.tokens.length;
      yield { type: "segment", segment };
      yield { type: "transcription-progress", heardMs: segment.endMs };
    }
    await pause();
    await slices.next();
    const audioTokens = Math.ceil((recording.audioMs * AUDIO_TOKENS_PER_SECOND) / 1000);
    const promptTokens = encodeText(options.prompt ?? "").length;
    yield { type: "transcription-end", tokens: { audioTokens, promptTokens, outputTokens } };
  }

  return {
    type: "transcription",
    limits: { concurrency },
    async prepare({ pieces, ...options }, signal) {
      signal.throwIfAborted();
      requireLanguages(options.languages);
      const open = held.open();
      try {
        const samples = await joinPieces(decodeAudio(pieces, signal), (bytes) => open.grow(bytes, signal));
        const audioMs = Math.ceil((samples.length * 1000) / DECODED_RATE_HZ);
        return { audioId: open.hold({ samples, sampleRate: DECODED_RATE_HZ, audioMs }), audioMs, options };
      } finally {
        open.drop();
      }
    },
    async *transcribe({ audioId, options }, signal) {
      const end = running.begin();
      try {
        const recording = held.take(audioId);
        const slot = await slots.acquire(signal);
        try {
          yield* listen(recording, options, signal);
        } finally {
          slots.release(slot);
        }
      } finally {
        held.release(audioId);
        end();
      }
    },
    live: createScriptedLive({ ...LIVE, turns: liveTurns, endDelayMs: segmentDelayMs, begin: () => running.begin() }),
    release: (audioId) => held.release(audioId),
    close: () => running.ended(),
  };
}

/** Live audio is heard as recordings are. */
const LIVE = {
  inventWord,
  msPerWord: MS_PER_WORD,
  requireLanguages,
  language: LANGUAGE,
  countTokens: (text: string) => encodeText(text).length,
  describeTokens: (text: string) => encodeText(text).map(describeToken),
  audioTokensPerSecond: AUDIO_TOKENS_PER_SECOND,
};

/** @param grow called before a piece is kept, with the bytes that its samples will take */
async function joinPieces(
  pieces: AsyncIterable<Int16Array>,
  grow: (bytes: number) => Promise<void>,
): Promise<Float32Array> {
  const list: Float32Array[] = [];
  for await (const piece of pieces) {
    await grow(piece.length * Float32Array.BYTES_PER_ELEMENT);
    list.push(Float32Array.from(piece, (sample) => sample / SAMPLE_SCALE));
  }
  const joined = new Float32Array(list.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of list) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}

function describeLanguage({ languages, task }: TranscriptionOptions, isSpoken: boolean): TranscriptionEvent {
  const [first = LANGUAGE, ...others] = languages ?? [];
  const isGiven = languages !== null && others.length === 0;
  if (!isSpoken && !isGiven) return { type: "transcription-start", language: null, languageProbability: null };
  const language = languages === null || languages.includes(LANGUAGE) ? LANGUAGE : first;
  return {
    type: "transcription-start",
    language: task === "translate" && languages === null ? LANGUAGE : language,
    languageProbability: isGiven ? null : LANGUAGE_PROBABILITY,
  };
}

interface TranscribedUtterance {
  readonly deltas: readonly Extract<TranscriptionEvent, { readonly type: "text-delta" }>[];
  readonly segment: TranscribedSegment;
}

function transcribeUtterance(
  { startMs, endMs, text: said }: Utterance,
  id: number,
  options: TranscriptionOptions,
): TranscribedUtterance {
  const words = (said ?? inventText(endMs - startMs)).trim().split(/\s+/);
  const wordMs = (endMs - startMs) / words.length;
  const times = words.map((word, index): TranscribedWord => ({
    word,
    startMs: Math.round(startMs + index * wordMs),
    endMs: Math.round(startMs + (index + 1) * wordMs),
  }));
  // The text as a whole begins without a space.
  const texts = words.map((word, index) => (id === 0 && index === 0 ? word : ` ${word}`));
  const text = texts.join("");
  const tokens = texts.flatMap(encodeText);
  return {
    deltas: texts.map((part) => ({
      type: "text-delta",
      text: part,
      logprobs: options.logprobs ? encodeText(part).map(describeToken) : null,
    })),
    segment: {
      id,
      seek: Math.floor(startMs / MS_PER_SEEK_STEP),
      startMs,
      endMs,
      text,
      tokens,
      temperature: options.temperature,
      averageLogprob: LOGPROB,
      compressionRatio: Buffer.byteLength(text) / deflateSync(text).length,
      noSpeechProbability: NO_SPEECH_PROBABILITY,
      words: options.words ? times : null,
    },
  };
}

function describeToken(token: number): TokenProbability {
  const text = decodeToken(token);
  return { text, bytes: Array.from(Buffer.from(text)), logprob: LOGPROB };
}

function inventText(lengthMs: number): string {
  const count = Math.max(1, Math.round(lengthMs / MS_PER_WORD));
  return Array.from({ length: count }, (_, index) => inventWord(index)).join(" ");
}

function inventWord(index: number): string {
  return WORDS[index % WORDS.length] ?? "";
}

function requireLanguages(languages: readonly string[] | null): void {
  const unknown = languages?.find((language) => !LANGUAGES.includes(language));
  if (unknown === undefined) return;
  const message = `The language '${unknown}' is not known to this model. It knows: ${LANGUAGES.join(", ")}.`;
  throw new AiError("unsupported_value", message, { param: "language" });
}
