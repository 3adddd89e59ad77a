/**
 * What a transcription engine is to the rest of the service: one loaded (or loadable) model that turns recordings into
 * texts with times. All that crosses this interface can be structured-cloned, as with a chat engine. An engine knows
 * nothing of accounts, queues or wire formats.
 */

import type { TokenProbability } from "./chat-engine.ts";

/** `translate`: the text is English, whatever is spoken. */
export type TranscriptionTask = "transcribe" | "translate";

/** Where speech begins and ends, for the detector that runs before the model. */
export interface SpeechDetection {
  /** How likely speech has to be, 0 to 1. */
  readonly threshold: number;
  /** How much audio before the speech is kept. */
  readonly prefixPaddingMs: number;
  /** How long a pause ends a piece of speech. */
  readonly silenceMs: number;
}

export interface TranscriptionOptions {
  readonly task: TranscriptionTask;
  /**
   * The languages that may be spoken, as ISO 639-1 codes in lower case (`haw`, `yue`: where a language has no code of
   * two letters). One: it is spoken. Several: the likeliest of them is. Null: any that the model knows.
   */
  readonly languages: readonly string[] | null;
  /** Text that came before, or guides the style; null for none. */
  readonly prompt: string | null;
  /** 0 to 1. At 0 the engine raises it by itself where the model is unsure. */
  readonly temperature: number;
  /** Whether segments have the times of their words. */
  readonly words: boolean;
  /** Whether deltas have the probabilities of their tokens. */
  readonly logprobs: boolean;
  /** Null for the engine's own. */
  readonly detection: SpeechDetection | null;
}

export interface TranscriptionRequest extends TranscriptionOptions {
  /**
   * The recording as it was sent, in the pieces in which it arrived, one at least: a file of any format. What it is, its
   * content says.
   */
  readonly pieces: readonly Uint8Array[];
}

/**
 * A recording that was decoded, and that the engine holds until the transcription that takes it has ended, until its
 * release, or until the engine's limit of time: decoded once, and never sent back. An engine whose model runs in a
 * process of its own holds it outside of that process, so that a call that waits outlives the one that runs.
 */
export interface PreparedTranscription {
  /** Of the held recording; unique in this engine. */
  readonly audioId: string;
  /** Exactly as long as the decoded audio is, rounded up. */
  readonly audioMs: number;
  readonly options: TranscriptionOptions;
}

export interface TranscribedWord {
  /** Without spaces around it; punctuation that follows is part of it. */
  readonly word: string;
  readonly startMs: number;
  readonly endMs: number;
}

/**
 * A sentence or a part of one. Segments come in the order of their times: none starts before the last one, or ends
 * before its own start or after the audio.
 */
export interface TranscribedSegment {
  /** Counts from 0. */
  readonly id: number;
  /** Where the window that the model listened to began, in hundredths of a second. */
  readonly seek: number;
  readonly startMs: number;
  readonly endMs: number;
  /** As the model wrote it, the space before it included. */
  readonly text: string;
  /** In the model's own vocabulary. */
  readonly tokens: readonly number[];
  /** Which the text was sampled at. */
  readonly temperature: number;
  /** Of the tokens: the mean of their natural logarithms. */
  readonly averageLogprob: number;
  /** Bytes of the text by bytes of the compressed text: text that repeats itself has a high one. */
  readonly compressionRatio: number;
  /** How likely it is that nobody speaks, 0 to 1. */
  readonly noSpeechProbability: number;
  /** In order, within the segment's times; null where they were not asked for. */
  readonly words: readonly TranscribedWord[] | null;
}

export interface TranscriptionTokens {
  /** What the model read: positions of its encoder, and the tokens of prompts. */
  readonly audioTokens: number;
  readonly promptTokens: number;
  readonly outputTokens: number;
}

/**
 * First `transcription-start`; then deltas, segments and progress; `transcription-end` last. The deltas joined are the
 * text: the texts of all segments joined, without spaces at its ends. A segment comes after the deltas of its text.
 */
export type TranscriptionEvent =
  | {
      readonly type: "transcription-start";
      /** The one that is spoken, as in `TranscriptionOptions`; null for a recording without speech. */
      readonly language: string | null;
      /** Of the language; null where it was given, and for none. */
      readonly languageProbability: number | null;
    }
  | {
      readonly type: "text-delta";
      readonly text: string;
      /** Null where they were not asked for. */
      readonly logprobs: readonly TokenProbability[] | null;
    }
  | { readonly type: "segment"; readonly segment: TranscribedSegment }
  /** How much of the audio has been listened to, silence that was passed over included. Never decreases. */
  | { readonly type: "transcription-progress"; readonly heardMs: number }
  | { readonly type: "transcription-end"; readonly tokens: TranscriptionTokens };

/**
 * Where speech begins and ends in audio that is still arriving, in milliseconds from its first sample. They take turns,
 * a start first, and their times never decrease. What the detection pads is not counted in.
 */
export type SpeechBoundary =
  | { readonly type: "speech-started"; readonly atMs: number }
  /** The last speech; the pause after it was as long as the detection asks. */
  | { readonly type: "speech-stopped"; readonly atMs: number };

export interface LiveOptions {
  /** As in `TranscriptionOptions`. */
  readonly languages: readonly string[] | null;
  /** Text that came before, or guides the style; null for none. */
  readonly prompt: string | null;
  /** Whether deltas have the probabilities of their tokens. */
  readonly logprobs: boolean;
}

/** The deltas joined are the text, without spaces at its ends: none is withdrawn. `live-end` comes last. */
export type LiveEvent =
  | {
      readonly type: "text-delta";
      readonly text: string;
      /** Null where they were not asked for. */
      readonly logprobs: readonly TokenProbability[] | null;
    }
  /** How much of the audio has been listened to. Never decreases, and is all of it before the end. */
  | { readonly type: "heard"; readonly heardMs: number }
  | {
      readonly type: "live-end";
      /** The one that is spoken; null where nobody speaks. */
      readonly language: string | null;
      readonly tokens: TranscriptionTokens;
    };

/**
 * Audio that is transcribed while it arrives: 16-bit samples of 16 kHz, in pieces of any size that the engine asks for
 * one by one, when it has room. The audio's end is the end of its iteration; the engine fails with what that throws.
 */
export interface LiveTranscription {
  /** Transcriptions of live audio that run side by side; known before the model is loaded. */
  readonly turns: number;

  /**
   * It is asked for no more than a few seconds of audio before it has said what it knows of them. An abort and an
   * iteration that ends early work as in `TranscriptionEngine.transcribe`.
   *
   * @throws AiError `engine_failed`, `engine_unavailable`
   */
  detectSpeech(
    audio: AsyncIterable<Int16Array>,
    detection: SpeechDetection,
    signal: AbortSignal,
  ): AsyncIterable<SpeechBoundary>;

  /**
   * Text comes while the audio goes on, as soon as it is certain.
   *
   * @throws AiError `unsupported_value` (`language`: not known to the model), `engine_failed`, `engine_unavailable`
   */
  transcribe(audio: AsyncIterable<Int16Array>, options: LiveOptions, signal: AbortSignal): AsyncIterable<LiveEvent>;
}

/** Known before the model is loaded, and never changed. */
export interface TranscriptionEngineLimits {
  /** Transcriptions that run side by side. */
  readonly concurrency: number;
}

export interface TranscriptionEngine {
  readonly type: "transcription";
  readonly limits: TranscriptionEngineLimits;

  /**
   * Decodes the recording, and says what can't be done. The decoded audio that an engine holds is bounded: where that
   * of others leaves no room, this waits.
   *
   * @throws AiError `invalid_value` (`file`: no audio, damaged, too long), `unsupported_value` (`file`: a format that
   *   can't be decoded here, with what is missing; `language`, `languages`: not known to the model),
   *   `unsupported_parameter` (a task or an option that the model can't do), `engine_unavailable`, `queue_timeout` when
   *   no room came free
   */
  prepare(request: TranscriptionRequest, signal: AbortSignal): Promise<PreparedTranscription>;

  /**
   * Loads the model first when it is not loaded. Ends early, by throwing the signal's reason, within a token or so of an
   * abort; ending the iteration early stops the work too. However it ends, the recording is released.
   *
   * @throws AiError `engine_failed` when the engine breaks; `engine_unavailable` when the model can't be loaded;
   *   `queue_timeout` when the recording is not held any more
   */
  transcribe(prepared: PreparedTranscription, signal: AbortSignal): AsyncIterable<TranscriptionEvent>;

  /** Null: it listens to recordings alone. */
  readonly live: LiveTranscription | null;

  /** For a call that ends before its transcription began. Releasing again, or what is not known, changes nothing. */
  release(audioId: string): void;

  /** Frees the model after running transcriptions have ended. Later calls load it again. */
  close(): Promise<void>;
}
