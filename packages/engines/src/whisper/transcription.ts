/** One recording's transcript: parts with speech go in, one after the other, and events come out. */

import type {
  TranscribedSegment,
  TranscribedWord,
  TranscriptionEvent,
  TranscriptionOptions,
} from "@openai-compat/core";
import type { SpeechPart, SpeechParts } from "../vad/speech-parts.ts";
import { NO_PREFIX } from "./decode-window.ts";
import type { WindowOptions, WindowText } from "./decode-window.ts";
import { ENGLISH } from "./detect-language.ts";
import type { EncodedAudio, WhisperModel } from "./whisper-model.ts";
import type { WhisperText } from "./whisper-text.ts";
import { WindowReader } from "./window-reader.ts";
import { splitWindow } from "./window-segments.ts";
import type { WindowSegment } from "./window-segments.ts";
import { timeWords } from "./word-times.ts";
import type { TimedWord } from "./word-times.ts";

export interface TranscriptionSetup {
  readonly model: WhisperModel;
  readonly text: WhisperText;
  readonly parts: SpeechParts;
  readonly compute: WindowOptions["compute"];
  readonly options: TranscriptionOptions;
  readonly previousText: boolean;
  readonly beams: number;
}

const SAMPLES_PER_MS = 16;
const SAMPLES_PER_CENTISECOND = 160;

/** A window of a part, and where it lies in the recording. */
interface Window {
  readonly startSample: number;
  readonly samples: Float32Array;
}

export class Transcription {
  readonly #setup: TranscriptionSetup;
  readonly #reader: WindowReader;
  #language: string | null = null;
  #segments = 0;
  #lastStartMs = 0;
  #heardMs = 0;

  constructor(setup: TranscriptionSetup) {
    this.#setup = setup;
    const { model, text, previousText } = setup;
    const { prompt, languages } = setup.options;
    this.#reader = new WindowReader({ model, text, previousText, prompt, languages });
  }

  async *transcribe(part: SpeechPart): AsyncGenerator<TranscriptionEvent, void> {
    const { parts, model, compute } = this.#setup;
    const endSample = part.startSample + part.samples.length;
    for (let from = 0; from < part.samples.length;) {
      const startSample = part.startSample + from;
      if (from > 0 && !part.isCut && !parts.hasSpeech(startSample, endSample)) break;
      const window = { startSample, samples: part.samples.subarray(from, from + this.#reader.windowSamplesMax) };
      const audio = await this.#reader.encode(window.samples, compute);
      if (this.#language === null) yield await this.#start(audio);
      const decoded = await this.#decode(audio, window);
      const { segments, advanceSamples } = splitWindow(decoded.tokens, window.samples.length, model.config.tokens);
      if (!decoded.isSilence) yield* this.#emit(decoded, segments, window);
      from += decoded.isSilence ? window.samples.length : advanceSamples;
      if (part.isCut && from < part.samples.length) {
        parts.putBack(part.startSample + from);
        break;
      }
    }
    yield* this.reportProgress();
  }

  *reportProgress(): Generator<TranscriptionEvent, void> {
    const heardMs = Math.floor(this.#setup.parts.passedSample / SAMPLES_PER_MS);
    // Nothing is charged before the transcription has begun.
    if (this.#language === null || heardMs <= this.#heardMs) return;
    this.#heardMs = heardMs;
    yield { type: "transcription-progress", heardMs };
  }

  *end(): Generator<TranscriptionEvent, void> {
    if (this.#language === null) yield { type: "transcription-start", language: null, languageProbability: null };
    yield { type: "transcription-end", tokens: this.#reader.tokens };
  }

  async #start(audio: EncodedAudio): Promise<TranscriptionEvent> {
    const { code, probability } = await this.#reader.findLanguage(audio, this.#setup.compute);
    this.#language = code;
    return { type: "transcription-start", language: code, languageProbability: probability };
  }

  async #decode(audio: EncodedAudio, { samples }: Window): Promise<WindowText> {
    const { compute, options, beams } = this.#setup;
    const decoded = await this.#reader.decode(audio, samples, {
      task: options.task,
      language: this.#language ?? ENGLISH,
      prefix: NO_PREFIX,
      temperature: options.temperature,
      fallback: true,
      beams,
      attention: options.words,
      compute,
    });
    this.#reader.count(decoded, samples.length);
    return decoded;
  }

  *#emit(decoded: WindowText, segments: readonly WindowSegment[], window: Window): Generator<TranscriptionEvent, void> {
    const { text, model, options } = this.#setup;
    const { endOfText } = model.config.tokens;
    const aligned = { ...decoded, samples: window.samples.length };
    const words = options.words ? timeWords(aligned, model.config.tokens, text) : null;
    this.#reader.follow(decoded);
    for (const segment of segments) {
      const tokens = decoded.tokens.slice(segment.from, segment.to);
      const content = text.decode(tokens);
      if (content.trim() === "") continue;
      const textIndices = tokens.flatMap((token, index) => (token < endOfText ? [segment.from + index] : []));
      const logprobs = options.logprobs ? textIndices.map((index) => this.#reader.describeToken(decoded, index)) : null;
      yield { type: "text-delta", text: this.#reader.join(content), logprobs };
      const own = words?.filter(({ tokenIndex }) => tokenIndex >= segment.from && tokenIndex < segment.to) ?? null;
      yield {
        type: "segment",
        segment: this.#createSegment({ decoded, segment, tokens, content, words: own }, window),
      };
    }
  }

  #createSegment(
    { decoded, segment, tokens, content, words }: SegmentFacts,
    { startSample }: Window,
  ): TranscribedSegment {
    const millisecondAt = (sample: number): number => Math.floor((startSample + sample) / SAMPLES_PER_MS);
    const startMs = Math.max(this.#lastStartMs, millisecondAt(segment.startSample));
    const endMs = Math.max(startMs, millisecondAt(segment.endSample));
    this.#lastStartMs = startMs;
    const id = this.#segments;
    this.#segments += 1;
    const clamp = (milliseconds: number): number => Math.min(endMs, Math.max(startMs, milliseconds));
    return {
      id,
      seek: Math.floor(startSample / SAMPLES_PER_CENTISECOND),
      startMs,
      endMs,
      text: content,
      tokens,
      temperature: decoded.temperature,
      averageLogprob: Math.min(0, decoded.averageLogprob),
      compressionRatio: decoded.compressionRatio,
      noSpeechProbability: decoded.noSpeechProbability,
      words:
        words?.map((word): TranscribedWord => ({
          word: word.word,
          startMs: clamp(millisecondAt(word.startSample)),
          endMs: clamp(millisecondAt(word.endSample)),
        })) ?? null,
    };
  }
}

interface SegmentFacts {
  readonly decoded: WindowText;
  readonly segment: WindowSegment;
  readonly tokens: readonly number[];
  readonly content: string;
  readonly words: readonly TimedWord[] | null;
}
