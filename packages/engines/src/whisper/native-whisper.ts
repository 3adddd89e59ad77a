/**
 * Whisper in the process of its own: recordings are fed piece by piece and come back as texts. Calls take turns, a step
 * of the model at a time.
 */

import { AiError } from "@openai-compat/core";
import type { TranscriptionEvent, TranscriptionOptions } from "@openai-compat/core";
import type { NativeAnswer, NativeModel, NativeStream } from "../host/native-model.ts";
import { createTurns } from "../llama/turns.ts";
import { loadVoiceDetector } from "../vad/silero-vad.ts";
import { createSpeechParts } from "../vad/speech-parts.ts";
import type { SpeechPartsSettings } from "../vad/speech-parts.ts";
import { Transcription } from "./transcription.ts";
import { openWhisperCheckpoint } from "./whisper-checkpoint.ts";
import { loadWhisperModel } from "./whisper-model.ts";
import { createWhisperText } from "./whisper-text.ts";

export interface NativeWhisperSettings {
  /** Of a checkpoint that the converter made. */
  readonly modelPath: string;
  /** Of Silero's detector. */
  readonly voiceDetectorPath: string;
  readonly threads: number;
  /** Whether the model is given the text of the part before, as OpenAI's own loop does. */
  readonly previousText: boolean;
  /** How many texts are compared while they grow. */
  readonly beams: number;
}

/** `ready` comes first: from then on the session can be fed. */
export type NativeWhisperEvent = TranscriptionEvent | { readonly type: "ready" };

export interface NativeWhisper extends NativeModel {
  readonly answers: {
    /** Samples of 16 kHz, mono. Resolves when they have been taken: the next ones may follow. */
    readonly feed: NativeAnswer<{ readonly session: string; readonly samples: Float32Array }, void>;
    /** All has been fed. */
    readonly finish: NativeAnswer<{ readonly session: string }, void>;
  };
  readonly streams: {
    readonly transcribe: NativeStream<
      { readonly session: string; readonly options: TranscriptionOptions },
      NativeWhisperEvent
    >;
  };
}

const SAMPLES_PER_MS = 16;
/** What a window is longer than a part: the model wants silence after the last word. */
const WINDOW_REST_SAMPLES = 2_000 * SAMPLES_PER_MS;
const JOINED_PAUSE_SAMPLES_MAX = 2_000 * SAMPLES_PER_MS;
const DEFAULT_DETECTION = { threshold: 0.5, prefixPaddingMs: 200, silenceMs: 300 };

/** @throws AiError `engine_unavailable` */
export async function openNativeWhisper(settings: NativeWhisperSettings): Promise<NativeWhisper> {
  const checkpoint = await openWhisperCheckpoint(settings.modelPath);
  const detectors = await loadVoiceDetector(settings.voiceDetectorPath);
  const model = await loadWhisperModel(checkpoint, settings.threads).catch(async (thrown: unknown) => {
    await detectors.dispose();
    throw toLoadError(thrown);
  });
  const text = createWhisperText(checkpoint.textTokens);
  const turns = createTurns();
  const intakes = new Map<string, Intake>();
  const findIntake = (session: string): Intake => {
    const intake = intakes.get(session);
    if (intake === undefined) throw new AiError("cancelled", "The transcription has ended.");
    return intake;
  };

  return {
    answers: {
      feed: async ({ session, samples }, signal) => findIntake(session).put(samples, signal),
      finish: async ({ session }, signal) => findIntake(session).put(null, signal),
    },
    streams: {
      async *transcribe({ session, options }, signal) {
        const intake = new Intake();
        intakes.set(session, intake);
        const compute = async <Result>(step: () => Promise<Result>): Promise<Result> => {
          const end = await turns.take(intake, signal);
          try {
            signal.throwIfAborted();
            return await step();
          } finally {
            end();
          }
        };
        try {
          yield { type: "ready" };
          const parts = createSpeechParts(detectors.createDetector(), describeParts(options, model.windowSamples));
          const transcription = new Transcription({
            model,
            text,
            parts,
            compute,
            options,
            previousText: settings.previousText,
            beams: settings.beams,
          });
          for (let isFinished = false; ;) {
            for (let part = parts.take(); part !== null; part = parts.take()) yield* transcription.transcribe(part);
            yield* transcription.reportProgress();
            if (isFinished) break;
            const samples = await intake.take(signal);
            isFinished = samples === null;
            await compute(async () => (samples === null ? parts.finish() : parts.feed(samples)));
          }
          yield* transcription.end();
        } catch (thrown) {
          throw toCallError(thrown, signal);
        } finally {
          intakes.delete(session);
          intake.close();
        }
      },
    },
    async dispose() {
      await model.dispose();
      await detectors.dispose();
    },
  };
}

function describeParts({ detection }: TranscriptionOptions, windowSamples: number): SpeechPartsSettings {
  const { threshold, prefixPaddingMs, silenceMs } = detection ?? DEFAULT_DETECTION;
  const pauseSamples = silenceMs * SAMPLES_PER_MS;
  return {
    threshold,
    paddingSamples: prefixPaddingMs * SAMPLES_PER_MS,
    pauseSamples,
    joinedPauseSamplesMax: Math.max(pauseSamples, JOINED_PAUSE_SAMPLES_MAX),
    partSamplesMax: windowSamples - WINDOW_REST_SAMPLES,
  };
}

/** Holds one piece of a recording until it is taken. */
class Intake {
  #piece: { readonly samples: Float32Array | null; readonly onTaken: () => void } | null = null;
  #onPut: () => void = () => {};
  readonly #closed = new AbortController();

  /** @param samples null: the end */
  async put(samples: Float32Array | null, signal: AbortSignal): Promise<void> {
    if (this.#piece !== null) throw new Error("A piece was fed before the last one was taken.");
    const taken = Promise.withResolvers<void>();
    this.#piece = { samples, onTaken: taken.resolve };
    this.#onPut();
    await untilAborted(taken.promise, AbortSignal.any([signal, this.#closed.signal]));
  }

  async take(signal: AbortSignal): Promise<Float32Array | null> {
    if (this.#piece === null) {
      const put = Promise.withResolvers<void>();
      this.#onPut = put.resolve;
      await untilAborted(put.promise, signal);
    }
    const piece = this.#piece;
    this.#piece = null;
    piece?.onTaken();
    return piece?.samples ?? null;
  }

  close(): void {
    this.#closed.abort(new AiError("cancelled", "The transcription has ended."));
  }
}

async function untilAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    await Promise.race([promise, aborted.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

function toLoadError(thrown: unknown): AiError {
  if (thrown instanceof AiError) return thrown;
  const message = "The model can't be loaded. The log of the server says why.";
  return new AiError("engine_unavailable", message, { cause: thrown });
}

function toCallError(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || thrown instanceof AiError) return thrown;
  return new AiError("engine_failed", "The model failed to read the recording. Please try again.", { cause: thrown });
}
