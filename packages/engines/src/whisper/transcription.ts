/** One recording's transcript: parts with speech go in, one after the other, and events come out. */

import type {
  TokenProbability,
  TranscribedSegment,
  TranscribedWord,
  TranscriptionEvent,
  TranscriptionOptions,
} from "@openai-compat/core";
import type { SpeechPart, SpeechParts } from "../vad/speech-parts.ts";
import { NO_PREFIX, decodeWindow } from "./decode-window.ts";
import type { WindowOptions, WindowText } from "./decode-window.ts";
import { ENGLISH, detectLanguage, listLanguages } from "./detect-language.ts";
import type { DetectedLanguage } from "./detect-language.ts";
import { POSITION_SAMPLES } from "./whisper-model.ts";
import type { EncodedAudio, WhisperModel } from "./whisper-model.ts";
import type { WhisperText } from "./whisper-text.ts";
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
/** Silence that is appended at least: without any the model drops the last word. */
const TAIL_SAMPLES = 16_000;
/** On shorter windows, ten seconds, a model repeats a few words of speech until it has no room. */
const WINDOW_SAMPLES_MIN = 160_000;
/** Text that was sampled at a higher temperature does not guide what follows. */
const GUIDING_TEMPERATURE_MAX = 0.5;

/** A window of a part, and where it lies in the recording. */
interface Window {
  readonly startSample: number;
  readonly samples: Float32Array;
}

export class Transcription {
  readonly #setup: TranscriptionSetup;
  readonly #prompt: readonly number[];
  #previous: readonly number[] = [];
  #language: string | null = null;
  #segments = 0;
  #lastStartMs = 0;
  #heardMs = 0;
  /** Spaces that are only text when more text follows. */
  #heldSpaces: string | null = null;
  #audioTokens = 0;
  #promptTokens = 0;
  #outputTokens = 0;

  constructor(setup: TranscriptionSetup) {
    this.#setup = setup;
    const { prompt } = setup.options;
    this.#prompt = prompt === null || prompt.trim() === "" ? [] : setup.text.encode(` ${prompt.trim()}`);
  }

  async *transcribe(part: SpeechPart): AsyncGenerator<TranscriptionEvent, void> {
    const { parts, model } = this.#setup;
    const endSample = part.startSample + part.samples.length;
    for (let from = 0; from < part.samples.length;) {
      const startSample = part.startSample + from;
      if (from > 0 && !part.isCut && !parts.hasSpeech(startSample, endSample)) break;
      const window = { startSample, samples: part.samples.subarray(from, from + model.windowSamples - TAIL_SAMPLES) };
      const audio = await this.#encode(window);
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
    const tokens = {
      audioTokens: this.#audioTokens,
      promptTokens: this.#promptTokens,
      outputTokens: this.#outputTokens,
    };
    yield { type: "transcription-end", tokens };
  }

  async #encode({ samples }: Window): Promise<EncodedAudio> {
    const { model, compute } = this.#setup;
    const positions = this.#countPositions(samples.length);
    const padded = new Float32Array(positions * POSITION_SAMPLES);
    padded.set(samples);
    const audio = await compute(async () => model.encode(padded));
    this.#audioTokens += Math.ceil(samples.length / POSITION_SAMPLES);
    return audio;
  }

  /**
   * A whole window, as the model was trained with: on shorter ones it mishears languages that it knows less well, and
   * one with a context makes up words.
   */
  #countPositions(samples: number): number {
    const { isMultilingual, audioPositions } = this.#setup.model.config;
    if (isMultilingual || this.#prompt.length + this.#previous.length > 0) return audioPositions;
    const windowSamples = Math.max(WINDOW_SAMPLES_MIN, samples + TAIL_SAMPLES);
    return Math.min(audioPositions, Math.ceil(windowSamples / POSITION_SAMPLES));
  }

  async #start(audio: EncodedAudio): Promise<TranscriptionEvent> {
    const { code, probability } = await this.#findLanguage(audio);
    this.#language = code;
    return { type: "transcription-start", language: code, languageProbability: probability };
  }

  async #findLanguage(
    audio: EncodedAudio,
  ): Promise<Omit<DetectedLanguage, "probability"> & { readonly probability: number | null }> {
    const { model, compute, options } = this.#setup;
    const { languages } = options;
    const [given] = languages ?? [];
    if (given !== undefined && languages?.length === 1) return { code: given, probability: null };
    if (!model.config.isMultilingual) return { code: ENGLISH, probability: 1 };
    return compute(async () => detectLanguage(model, audio, languages));
  }

  async #decode(audio: EncodedAudio, { samples }: Window): Promise<WindowText> {
    const { model, compute, options } = this.#setup;
    const { isMultilingual, tokens } = model.config;
    const language = listLanguages(model.config).get(this.#language ?? ENGLISH) ?? null;
    const task = options.task === "translate" ? tokens.translate : tokens.transcribe;
    const decoded = await decodeWindow(this.#setup, audio, {
      context: [...this.#prompt, ...this.#previous],
      task: isMultilingual && language !== null ? [language, task] : [],
      prefix: NO_PREFIX,
      temperature: options.temperature,
      fallback: true,
      beams: this.#setup.beams,
      attention: options.words,
      positions: Math.ceil(samples.length / POSITION_SAMPLES),
      compute,
    });
    this.#promptTokens += decoded.promptTokens;
    this.#outputTokens += decoded.tokens.length;
    return decoded;
  }

  *#emit(decoded: WindowText, segments: readonly WindowSegment[], window: Window): Generator<TranscriptionEvent, void> {
    const { text, model, options, previousText } = this.#setup;
    const { endOfText } = model.config.tokens;
    const aligned = { ...decoded, samples: window.samples.length };
    const words = options.words ? timeWords(aligned, model.config.tokens, text) : null;
    const guides = previousText && decoded.temperature <= GUIDING_TEMPERATURE_MAX;
    this.#previous = guides ? [...this.#previous, ...decoded.tokens].slice(-model.config.textPositions) : [];
    for (const segment of segments) {
      const tokens = decoded.tokens.slice(segment.from, segment.to);
      const content = text.decode(tokens);
      if (content.trim() === "") continue;
      const textIndices = tokens.flatMap((token, index) => (token < endOfText ? [segment.from + index] : []));
      const logprobs = options.logprobs ? textIndices.map((index) => this.#describeToken(decoded, index)) : null;
      yield this.#createDelta(content, logprobs);
      const own = words?.filter(({ tokenIndex }) => tokenIndex >= segment.from && tokenIndex < segment.to) ?? null;
      yield {
        type: "segment",
        segment: this.#createSegment({ decoded, segment, tokens, content, words: own }, window),
      };
    }
  }

  #createDelta(content: string, logprobs: readonly TokenProbability[] | null): TranscriptionEvent {
    const joined = this.#heldSpaces === null ? content.trimStart() : this.#heldSpaces + content;
    const text = joined.trimEnd();
    this.#heldSpaces = joined.slice(text.length);
    return { type: "text-delta", text, logprobs };
  }

  #describeToken({ tokens, logprobs }: WindowText, index: number): TokenProbability {
    const bytes = this.#setup.text.bytesOf(tokens[index] ?? -1);
    return { text: bytes.toString("utf8"), bytes: [...bytes], logprob: Math.min(0, logprobs[index] ?? 0) };
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
