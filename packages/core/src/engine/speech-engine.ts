/**
 * What a speech engine is to the rest of the service: one loaded (or loadable) model that speaks texts. It encodes what
 * it makes itself, so that neither sound nor the work on it is on the event loop of the server. All that crosses this
 * interface can be structured-cloned, as with a chat engine. An engine knows nothing of accounts, queues or wire formats.
 */

/**
 * What the audio is encoded as. `opus`: in an Ogg container. `pcm`: samples alone, 16 bits, little-endian. `wav`: the
 * same behind a header whose sizes are 0xFFFFFFFF, because the audio leaves before its length is known. All are mono
 * at 24 kHz.
 */
export const SPEECH_FORMATS = ["mp3", "opus", "aac", "flac", "wav", "pcm"] as const;
export type SpeechFormat = (typeof SPEECH_FORMATS)[number];

/** Of `pcm`, and of every other format. */
export const SPEECH_SAMPLE_RATE = 24_000;

export interface SpeechVoice {
  readonly id: string;
  /** Other names for it, OpenAI's among them. */
  readonly aliases: readonly string[];
}

export interface SpeechRequest {
  /** Not empty. */
  readonly text: string;
  /** The id of one of the engine's voices. */
  readonly voice: string;
  /** How many times as fast as the voice speaks by itself: 0.25 to 4. */
  readonly speed: number;
  /** How to speak, for models that understand it; null for no instructions. */
  readonly instructions: string | null;
  readonly format: SpeechFormat;
}

/** Any number of pieces, then `speech-end`. */
export type SpeechEvent =
  | {
      readonly type: "speech-audio";
      /** The next bytes of the file, at least one. */
      readonly bytes: Uint8Array<ArrayBuffer>;
      /** How many characters (code points) of the text have been spoken with it. Never decreases. */
      readonly spokenCharacters: number;
    }
  | {
      readonly type: "speech-end";
      /** Of all that was spoken. */
      readonly audioMs: number;
      /** What the model read (symbols of its alphabet) and wrote (frames of sound). */
      readonly inputTokens: number;
      readonly outputTokens: number;
    };

/** Known before the model is loaded, and never changed. */
export interface SpeechEngineLimits {
  /** Texts that are spoken side by side. */
  readonly concurrency: number;
}

export interface SpeechEngine {
  readonly type: "speech";
  readonly limits: SpeechEngineLimits;
  /** At least one. Known before the model is loaded; no two share a name. */
  readonly voices: readonly SpeechVoice[];

  /**
   * Says what can't be done. Nothing is spoken yet.
   *
   * @throws AiError `unsupported_value` (`response_format`: one that can't be encoded here, with what is missing),
   *   `invalid_value` (`input`: nothing in it can be spoken), `engine_unavailable`
   */
  prepare(request: SpeechRequest, signal: AbortSignal): Promise<void>;

  /**
   * The audio, piece by piece: the first when the first sentence is there. Loads the model first when it is not loaded.
   * Ends early, by throwing the signal's reason, within a sentence or so of an abort; ending the iteration early stops
   * the work too.
   *
   * @throws AiError `engine_failed` when the engine breaks; what `prepare` throws; `queue_timeout` when others kept the
   *   memory that the model needs
   */
  speak(request: SpeechRequest, signal: AbortSignal): AsyncIterable<SpeechEvent>;

  /** Frees the model after running calls have ended. Later calls load it again. */
  close(): Promise<void>;
}
