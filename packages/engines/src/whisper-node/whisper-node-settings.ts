/** What an engine of whisper.cpp's program is made of, and the defaults. */

import { availableParallelism } from "node:os";
import type { LoadingSettings } from "../residency/model-resource.ts";

/** Of the process, all of it said. */
export interface NativeWhisperNodeSettings {
  readonly modelPath: string;
  readonly binaryPath: string;
  readonly voiceDetectorPath: string;
  readonly threads: number;
  readonly beams: number;
  readonly runTimeMsMax: number;
}

export interface WhisperNodeModelSettings {
  /** Of a ggml file of Whisper. */
  readonly modelPath: string;
  /** Transcriptions side by side, each in a process that loads the model for itself. Default 1. */
  readonly concurrency?: number | undefined;
  /** CPU threads of each. Default: cores minus one, at most 4. */
  readonly threads?: number | undefined;
  /** How many texts are compared while they grow, at most 8. Default 5. */
  readonly beams?: number | undefined;
}

export interface WhisperNodeEngineSettings extends WhisperNodeModelSettings {
  /** The program of whisper.cpp: `main`, or `whisper-cli` of later versions. */
  readonly binaryPath: string;
  /** Of Silero's voice detector. */
  readonly voiceDetectorPath: string;
  /** How long the program may work on up to ten minutes of speech. Milliseconds, default 3,600,000. */
  readonly runTimeMsMax?: number | undefined;
  readonly loading?: LoadingSettings | undefined;
}

export const WHISPER_NODE_CONCURRENCY_DEFAULT = 1;
const BEAMS_DEFAULT = 5;
const RUN_TIME_MS_MAX_DEFAULT = 3_600_000;
const THREADS_DEFAULT_MAX = 4;

export function resolveWhisperNodeModel(settings: WhisperNodeEngineSettings): NativeWhisperNodeSettings {
  const { modelPath, binaryPath, voiceDetectorPath } = settings;
  return {
    modelPath,
    binaryPath,
    voiceDetectorPath,
    threads: settings.threads ?? Math.min(Math.max(1, availableParallelism() - 1), THREADS_DEFAULT_MAX),
    beams: settings.beams ?? BEAMS_DEFAULT,
    runTimeMsMax: settings.runTimeMsMax ?? RUN_TIME_MS_MAX_DEFAULT,
  };
}
