/**
 * What all windows of one transcript share: the language, the prompt, the text before, and what was counted. It encodes
 * windows and has their texts decoded; which of them are a transcript, its caller decides.
 */

import type { TokenProbability, TranscriptionTokens } from "@openai-compat/core";
import { decodeWindow, isAcceptable } from "./decode-window.ts";
import type { TextPrefix, WindowOptions, WindowText } from "./decode-window.ts";
import { ENGLISH, detectLanguage, listLanguages } from "./detect-language.ts";
import { POSITION_SAMPLES } from "./whisper-model.ts";
import type { EncodedAudio, WhisperModel } from "./whisper-model.ts";
import type { WhisperText } from "./whisper-text.ts";

export interface WindowReaderSetup {
  readonly model: WhisperModel;
  readonly text: WhisperText;
  readonly prompt: string | null;
  /** As in `TranscriptionOptions`. */
  readonly languages: readonly string[] | null;
  /** Whether the text before guides the next one. */
  readonly previousText: boolean;
}

export interface ReadOptions extends Pick<
  WindowOptions,
  "temperature" | "fallback" | "beams" | "attention" | "compute"
> {
  readonly task: "transcribe" | "translate";
  readonly prefix: TextPrefix;
  readonly language: string;
}

export interface SpokenLanguage {
  readonly code: string;
  /** Null where it was given. */
  readonly probability: number | null;
}

/** Silence that is appended at least: without any the model drops the last word. */
const TAIL_SAMPLES = 16_000;
/** On shorter windows, ten seconds, a model repeats a few words of speech until it has no room. */
const WINDOW_SAMPLES_MIN = 160_000;
/** Text that was sampled at a higher temperature does not guide what follows. */
const GUIDING_TEMPERATURE_MAX = 0.5;

export class WindowReader {
  readonly #setup: WindowReaderSetup;
  readonly #prompt: readonly number[];
  #previous: readonly number[] = [];
  /** Spaces that are only text when more text follows. */
  #heldSpaces: string | null = null;
  #audioTokens = 0;
  #promptTokens = 0;
  #outputTokens = 0;

  constructor(setup: WindowReaderSetup) {
    this.#setup = setup;
    const { prompt, text } = setup;
    this.#prompt = prompt === null || prompt.trim() === "" ? [] : text.encode(` ${prompt.trim()}`);
  }

  /** Samples that a window has at most. */
  get windowSamplesMax(): number {
    return this.#setup.model.windowSamples - TAIL_SAMPLES;
  }

  get tokens(): TranscriptionTokens {
    return {
      audioTokens: this.#audioTokens,
      promptTokens: this.#promptTokens,
      outputTokens: this.#outputTokens,
    };
  }

  async encode(samples: Float32Array, compute: WindowOptions["compute"]): Promise<EncodedAudio> {
    return this.#encode(samples, this.#countPositions(samples.length), compute);
  }

  async findLanguage(audio: EncodedAudio, compute: WindowOptions["compute"]): Promise<SpokenLanguage> {
    const { model, languages } = this.#setup;
    const [given] = languages ?? [];
    if (given !== undefined && languages?.length === 1) return { code: given, probability: null };
    if (!model.config.isMultilingual) return { code: ENGLISH, probability: 1 };
    return compute(async () => detectLanguage(model, audio, languages));
  }

  /**
   * A text of a shorter window that the model is unsure of, or in which it repeats itself, is often a good one of the
   * whole window. That is tried before higher temperatures, which take longer and hear worse.
   *
   * @param samples of the window, without padding
   */
  async decode(audio: EncodedAudio, samples: Float32Array, options: ReadOptions): Promise<WindowText> {
    const { config } = this.#setup.model;
    const language = listLanguages(config).get(options.language) ?? null;
    const task = options.task === "translate" ? config.tokens.translate : config.tokens.transcribe;
    const isWhole = audio.positions === config.audioPositions;
    const windowOptions = {
      ...options,
      context: [...this.#prompt, ...this.#previous],
      task: config.isMultilingual && language !== null ? [language, task] : [],
      positions: Math.ceil(samples.length / POSITION_SAMPLES),
    };
    const decoded = await decodeWindow(this.#setup, audio, { ...windowOptions, fallback: options.fallback && isWhole });
    if (isWhole || !options.fallback || options.temperature > 0 || isAcceptable(decoded)) return decoded;
    const whole = await this.#encode(samples, config.audioPositions, options.compute);
    return decodeWindow(this.#setup, whole, windowOptions);
  }

  /** Counts a window whose text is part of the transcript. @param samples without padding */
  count({ promptTokens, tokens }: Pick<WindowText, "promptTokens" | "tokens">, samples: number): void {
    this.#audioTokens += Math.ceil(samples / POSITION_SAMPLES);
    this.#promptTokens += promptTokens;
    this.#outputTokens += tokens.length;
  }

  /** Has a text guide what follows, where the text before does. */
  follow({ temperature, tokens }: Pick<WindowText, "temperature" | "tokens">): void {
    const guides = this.#setup.previousText && temperature <= GUIDING_TEMPERATURE_MAX;
    const { textPositions } = this.#setup.model.config;
    this.#previous = guides ? [...this.#previous, ...tokens].slice(-textPositions) : [];
  }

  /** A text without spaces before the first one and, until more follows, after it. */
  join(content: string): string {
    const joined = this.#heldSpaces === null ? content.trimStart() : this.#heldSpaces + content;
    const text = joined.trimEnd();
    if (text !== "" || this.#heldSpaces !== null) this.#heldSpaces = joined.slice(text.length);
    return text;
  }

  describeToken({ tokens, logprobs }: TextPrefix, index: number): TokenProbability {
    const bytes = this.#setup.text.bytesOf(tokens[index] ?? -1);
    return { text: bytes.toString("utf8"), bytes: [...bytes], logprob: Math.min(0, logprobs[index] ?? 0) };
  }

  async #encode(samples: Float32Array, positions: number, compute: WindowOptions["compute"]): Promise<EncodedAudio> {
    const padded = new Float32Array(positions * POSITION_SAMPLES);
    padded.set(samples);
    return compute(async () => this.#setup.model.encode(padded));
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
}
