/**
 * How a realtime session listens: its settings, and how an update changes them. A surface decodes what its clients send
 * to a patch, and shows the settings in its own words.
 */

import type { JsonRecord } from "../json-record.ts";
import { isRecord } from "../json-record.ts";
import type { SpeechDetection } from "../engine/transcription-engine.ts";

/** `realtime`: a session that can also speak at OpenAI; here both only transcribe. */
export type RealtimeSessionType = "transcription" | "realtime";

/** Mono samples: 16 bits, little-endian, 24 kHz; or G.711, 8 kHz. */
export type RealtimeAudioFormat = "pcm" | "pcmu" | "pcma";

export const BYTES_PER_MS: Readonly<Record<RealtimeAudioFormat, number>> = { pcm: 48, pcmu: 8, pcma: 8 };

export interface ServerVad {
  readonly type: "server-vad";
  /** How likely speech has to be, 0 to 1. */
  readonly threshold: number;
  /** How much audio before the speech belongs to its turn. */
  readonly prefixPaddingMs: number;
  /** How long a pause ends a turn. */
  readonly silenceMs: number;
}

export interface SemanticVad {
  readonly type: "semantic-vad";
  readonly eagerness: "low" | "medium" | "high" | "auto";
}

export type TurnDetection = ServerVad | SemanticVad;

export interface TranscriptionConfig {
  /** Id, name or `default`, as the client said. */
  readonly model: string;
  /** As in `TranscriptionOptions`. `languages` counts where both are there. */
  readonly language: string | null;
  readonly languages: readonly string[] | null;
  readonly prompt: string | null;
}

export interface RealtimeConfig {
  readonly type: RealtimeSessionType;
  /** What the session was opened with, or calls itself; it is shown and has no other effect. */
  readonly model: string | null;
  readonly format: RealtimeAudioFormat;
  readonly transcription: TranscriptionConfig;
  /** Null: the client commits its turns itself. */
  readonly turnDetection: TurnDetection | null;
  /** Whether deltas and completed turns have the probabilities of their tokens. */
  readonly logprobs: boolean;
  /** What has no effect here and is shown all the same, in the surface's own words. */
  readonly echo: JsonRecord;
}

export interface TurnDetectionPatch {
  readonly type?: TurnDetection["type"];
  readonly threshold?: number;
  readonly prefixPaddingMs?: number;
  readonly silenceMs?: number;
  readonly eagerness?: SemanticVad["eagerness"];
}

/** What is absent stays as it is; null is the default again, of `turnDetection` none. */
export interface RealtimePatch {
  readonly type: RealtimeSessionType;
  readonly model?: string;
  readonly format?: RealtimeAudioFormat;
  readonly transcription?: {
    readonly model?: string | null;
    readonly language?: string | null;
    readonly languages?: readonly string[] | null;
    readonly prompt?: string | null;
  } | null;
  readonly turnDetection?: TurnDetectionPatch | null;
  readonly logprobs?: boolean;
  /** Merged deeply; arrays and null replace what was there. */
  readonly echo?: JsonRecord;
}

const SERVER_VAD: ServerVad = { type: "server-vad", threshold: 0.5, prefixPaddingMs: 300, silenceMs: 500 };
const SEMANTIC_VAD: SemanticVad = { type: "semantic-vad", eagerness: "auto" };

/** How long a pause ends a turn. */
const SEMANTIC_SILENCE_MS: Readonly<Record<SemanticVad["eagerness"], number>> = {
  low: 1200,
  medium: 800,
  auto: 800,
  high: 400,
};

export interface NewConfig {
  readonly type: RealtimeSessionType;
  readonly model: string | null;
  /** Of the transcription. */
  readonly transcriptionModel: string;
}

/** @returns the settings of a session whose client has said nothing else. */
export function createConfig({ type, model, transcriptionModel }: NewConfig): RealtimeConfig {
  return {
    type,
    model,
    format: "pcm",
    transcription: { model: transcriptionModel, language: null, languages: null, prompt: null },
    turnDetection: SERVER_VAD,
    logprobs: false,
    echo: {},
  };
}

/** @param defaultModel of the transcription, where the patch takes it back */
export function applyPatch(config: RealtimeConfig, patch: RealtimePatch, defaultModel: string): RealtimeConfig {
  return {
    type: config.type,
    model: patch.model ?? config.model,
    format: patch.format ?? config.format,
    transcription: patchTranscription(config.transcription, patch.transcription, defaultModel),
    turnDetection: patchTurnDetection(config.turnDetection, patch.turnDetection),
    logprobs: patch.logprobs ?? config.logprobs,
    echo: mergeDeeply(config.echo, patch.echo ?? {}),
  };
}

function patchTranscription(
  config: TranscriptionConfig,
  patch: RealtimePatch["transcription"],
  defaultModel: string,
): TranscriptionConfig {
  if (patch === undefined) return config;
  if (patch === null) return { model: defaultModel, language: null, languages: null, prompt: null };
  return {
    model: patch.model === undefined ? config.model : (patch.model ?? defaultModel),
    language: patch.language === undefined ? config.language : patch.language,
    languages: patch.languages === undefined ? config.languages : patch.languages,
    prompt: patch.prompt === undefined ? config.prompt : patch.prompt,
  };
}

function patchTurnDetection(config: TurnDetection | null, patch: RealtimePatch["turnDetection"]): TurnDetection | null {
  if (patch === undefined) return config;
  if (patch === null) return null;
  const type = patch.type ?? config?.type ?? "server-vad";
  if (type === "semantic-vad") {
    const { eagerness } = config?.type === type ? config : SEMANTIC_VAD;
    return { type, eagerness: patch.eagerness ?? eagerness };
  }
  const before = config?.type === type ? config : SERVER_VAD;
  return {
    type,
    threshold: patch.threshold ?? before.threshold,
    prefixPaddingMs: patch.prefixPaddingMs ?? before.prefixPaddingMs,
    silenceMs: patch.silenceMs ?? before.silenceMs,
  };
}

function mergeDeeply(config: JsonRecord, patch: JsonRecord): JsonRecord {
  const merged: Record<string, unknown> = { ...config };
  for (const [key, value] of Object.entries(patch)) {
    const before = merged[key];
    const isMerged = isRecord(before) && isRecord(value);
    // A key named `__proto__` is one like others.
    Object.defineProperty(merged, key, {
      value: isMerged ? mergeDeeply(before, value) : value,
      configurable: true,
      enumerable: true,
      writable: true,
    });
  }
  return merged;
}

/** What the detector of an engine has to do. */
export function resolveDetection(detection: TurnDetection): SpeechDetection {
  if (detection.type === "server-vad") {
    const { threshold, prefixPaddingMs, silenceMs } = detection;
    return { threshold, prefixPaddingMs, silenceMs };
  }
  const { threshold, prefixPaddingMs } = SERVER_VAD;
  return { threshold, prefixPaddingMs, silenceMs: SEMANTIC_SILENCE_MS[detection.eagerness] };
}

export function isSameDetection(left: SpeechDetection, right: SpeechDetection): boolean {
  return (
    left.threshold === right.threshold &&
    left.prefixPaddingMs === right.prefixPaddingMs &&
    left.silenceMs === right.silenceMs
  );
}
