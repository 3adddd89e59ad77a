/**
 * Whisper in the process of its own: recordings are fed piece by piece and come back as texts. Calls take turns, a step
 * of the model at a time.
 */

import { AiError } from "@openai-compat/core";
import type { TranscriptionOptions } from "@openai-compat/core";
import { createTurns } from "../llama/turns.ts";
import { SampleIntake } from "../transcription/sample-intake.ts";
import type { ListeningModel } from "../transcription/listening-model.ts";
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

export type NativeWhisper = ListeningModel;

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
  const intakes = new Map<string, SampleIntake>();
  const findIntake = (session: string): SampleIntake => {
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
        const intake = new SampleIntake();
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

function toLoadError(thrown: unknown): AiError {
  if (thrown instanceof AiError) return thrown;
  const message = "The model can't be loaded. The log of the server says why.";
  return new AiError("engine_unavailable", message, { cause: thrown });
}

function toCallError(thrown: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || thrown instanceof AiError) return thrown;
  return new AiError("engine_failed", "The model failed to read the recording. Please try again.", { cause: thrown });
}
