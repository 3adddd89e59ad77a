/** What a Whisper engine is made of, and the defaults. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";
import type { NativeWhisperSettings } from "./native-whisper.ts";

export interface WhisperModelSettings {
  /** Of a checkpoint that the converter made. */
  readonly modelPath: string;
  /** Transcriptions side by side; they take turns, so that each takes longer. Default 2. */
  readonly concurrency?: number | undefined;
  /** Turns of live audio that are transcribed side by side. Default 32. */
  readonly liveTurns?: number | undefined;
  /** CPU threads. Default: cores minus one, at most 4. */
  readonly threads?: number | undefined;
  /** Whether the model is given its text of the part before. Default false: it repeats mistakes. */
  readonly previousText?: boolean | undefined;
  /** How many texts are compared while they grow: more find a better one and take longer. Default 5. */
  readonly beams?: number | undefined;
}

export interface WhisperEngineSettings extends WhisperModelSettings {
  /** Of Silero's voice detector. */
  readonly voiceDetectorPath: string;
  readonly loading?: LoadingSettings | undefined;
}

export const WHISPER_CONCURRENCY_DEFAULT = 2;
export const LIVE_TURNS_DEFAULT = 32;
/** As faster-whisper's. */
export const BEAMS_DEFAULT = 5;
/** More gain little on windows of 30 s, and other models want them. */
const THREADS_DEFAULT_MAX = 4;

export function resolveWhisperModel(settings: WhisperEngineSettings): NativeWhisperSettings {
  const { modelPath, voiceDetectorPath, previousText = false, beams = BEAMS_DEFAULT } = settings;
  const threads = settings.threads ?? Math.min(Math.max(1, availableParallelism() - 1), THREADS_DEFAULT_MAX);
  return { modelPath, voiceDetectorPath, threads, previousText, beams };
}
