/**
 * A session as its client writes it, to the changes that it asks for. What has no effect here (voices, tools,
 * instructions: this server only transcribes) is kept as it is, to be shown again.
 */

import { AiError, isRecord } from "@openai-compat/core";
import type { JsonRecord, RealtimeAudioFormat, RealtimePatch, TurnDetectionPatch } from "@openai-compat/core";
import {
  audioTranscriptionSchema,
  realtimeAudioInputSchema,
  realtimeNoiseReductionSchema,
  realtimeSessionCreateRequestSchema,
  realtimeSessionRequestSchema,
  realtimeTranscriptionSessionCreateRequestSchema,
  semanticVadSchema,
  serverVadSchema,
} from "@openai-compat/spec";
import type { AudioTranscription, RealtimeSessionRequest, RealtimeTurnDetection } from "@openai-compat/spec";
import { z } from "zod";
import { decodeBody } from "../decode-body.ts";
import { RealtimeRefusal } from "./realtime-refusal.ts";

/** A turn begins so long before its speech at most, and ends so long after it. */
const PREFIX_PADDING_MS_MAX = 5000;
const SILENCE_MS_MAX = 60_000;

const eventSchema = z.looseObject({ session: realtimeSessionRequestSchema });

const LOGPROBS = "item.input_audio_transcription.logprobs";

/**
 * @param value any JSON, the `session` of an event or a body.
 * @throws AiError with `param` naming the place below `session`; RealtimeRefusal `unknown_parameter`
 */
export function decodeSession(value: unknown): RealtimePatch {
  const { session } = decodeBody(eventSchema, { session: withDetectionType(value) });
  checkKnown(session);
  const input = session.audio?.input ?? undefined;
  const { format, transcription, turn_detection: detection } = input ?? {};
  return {
    type: session.type,
    ...(session.type === "realtime" && typeof session.model === "string" ? { model: session.model } : null),
    ...(format === undefined ? null : { format: FORMATS[format?.type ?? "audio/pcm"] }),
    ...(transcription === undefined ? null : { transcription: transcription && decodeTranscription(transcription) }),
    ...(detection === undefined ? null : { turnDetection: detection && decodeDetection(detection, value) }),
    ...(session.include === undefined ? null : { logprobs: session.include?.includes(LOGPROBS) === true }),
    echo: pickEcho(session),
  };
}

const FORMATS: Readonly<Record<string, RealtimeAudioFormat>> = {
  "audio/pcm": "pcm",
  "audio/pcmu": "pcmu",
  "audio/pcma": "pcma",
};

function decodeTranscription({ model, language, languages, prompt }: AudioTranscription) {
  if (typeof language === "string" && Array.isArray(languages)) {
    const param = "session.audio.input.transcription.languages";
    throw new AiError("invalid_value", "Send either 'language' or 'languages', not both.", { param });
  }
  return {
    ...(model === undefined ? null : { model }),
    ...(language === undefined ? null : { language }),
    ...(languages === undefined ? null : { languages }),
    ...(prompt === undefined ? null : { prompt }),
  };
}

const DETECTION_PARAM = "session.audio.input.turn_detection";

function decodeDetection(detection: NonNullable<RealtimeTurnDetection>, sent: unknown): TurnDetectionPatch {
  const hasType = isRecord(readDetection(sent)) && readDetection(sent)?.["type"] !== undefined;
  if (detection.type === "semantic_vad") {
    const { eagerness } = detection;
    return { ...(hasType ? { type: "semantic-vad" } : null), ...(isGiven(eagerness) ? { eagerness } : null) };
  }
  const { threshold, prefix_padding_ms: prefixPaddingMs, silence_duration_ms: silenceMs } = detection;
  requireAtMost(prefixPaddingMs, PREFIX_PADDING_MS_MAX, "prefix_padding_ms");
  requireAtMost(silenceMs, SILENCE_MS_MAX, "silence_duration_ms");
  return {
    ...(hasType ? { type: "server-vad" } : null),
    ...(isGiven(threshold) ? { threshold } : null),
    ...(isGiven(prefixPaddingMs) ? { prefixPaddingMs } : null),
    ...(isGiven(silenceMs) ? { silenceMs } : null),
  };
}

function isGiven<Value>(value: Value | null | undefined): value is Value {
  return value !== null && value !== undefined;
}

function requireAtMost(value: number | null | undefined, most: number, name: string): void {
  if (!isGiven(value) || value <= most) return;
  const param = `${DETECTION_PARAM}.${name}`;
  throw new AiError("invalid_value", `Invalid '${param}': expected a value of at most ${most}.`, { param });
}

function readDetection(session: unknown): JsonRecord | null {
  const audio = isRecord(session) ? session["audio"] : null;
  const input = isRecord(audio) ? audio["input"] : null;
  const detection = isRecord(input) ? input["turn_detection"] : null;
  return isRecord(detection) ? detection : null;
}

/** An update is merged into what there is, so it may leave out of which type its detection is. */
function withDetectionType(session: unknown): unknown {
  const detection = readDetection(session);
  if (detection === null || detection["type"] !== undefined || !isRecord(session)) return session;
  const { audio } = session;
  if (!isRecord(audio) || !isRecord(audio["input"])) return session;
  const typed = { type: "eagerness" in detection ? "semantic_vad" : "server_vad", ...detection };
  return { ...session, audio: { ...audio, input: { ...audio["input"], turn_detection: typed } } };
}

const OUTPUT_KEYS = ["format", "voice", "speed"];
const AUDIO_KEYS = { transcription: ["input"], realtime: ["input", "output"] };
const SESSION_KEYS = {
  transcription: Object.keys(realtimeTranscriptionSessionCreateRequestSchema.shape),
  realtime: Object.keys(realtimeSessionCreateRequestSchema.shape),
};

/** A misspelt key would have no effect, and nobody would know. */
function checkKnown(session: RealtimeSessionRequest): void {
  const { audio, type } = session;
  const input = audio?.input;
  const output: unknown = session.type === "realtime" ? session.audio?.output : null;
  requireKnown(session, SESSION_KEYS[type], "session");
  requireKnown(audio, AUDIO_KEYS[type], "session.audio");
  requireKnown(output, OUTPUT_KEYS, "session.audio.output");
  requireKnown(input, Object.keys(realtimeAudioInputSchema.shape), "session.audio.input");
  requireKnown(input?.format, ["type", "rate"], "session.audio.input.format");
  requireKnown(input?.transcription, Object.keys(audioTranscriptionSchema.shape), "session.audio.input.transcription");
  requireKnown(
    input?.noise_reduction,
    Object.keys(realtimeNoiseReductionSchema.shape),
    "session.audio.input.noise_reduction",
  );
  const detection = input?.turn_detection;
  const detectionSchema = detection?.type === "semantic_vad" ? semanticVadSchema : serverVadSchema;
  requireKnown(detection, Object.keys(detectionSchema.shape), DETECTION_PARAM);
}

const KEY_LENGTH_SHOWN = 100;

/** @throws RealtimeRefusal */
function requireKnown(value: unknown, known: readonly string[], path: string): void {
  if (!isRecord(value)) return;
  const unknown = Object.keys(value).find((key) => !known.includes(key));
  if (unknown === undefined) return;
  const param = `${path}.${unknown.slice(0, KEY_LENGTH_SHOWN)}`;
  throw new RealtimeRefusal({ code: "unknown_parameter", message: `Unknown parameter: '${param}'.`, param });
}

const ECHOED_OF_SESSION = [
  "output_modalities",
  "instructions",
  "tracing",
  "tools",
  "tool_choice",
  "parallel_tool_calls",
  "reasoning",
  "max_output_tokens",
  "truncation",
  "prompt",
];

/** In the places where they were. */
function pickEcho(session: RealtimeSessionRequest): JsonRecord {
  const input = session.audio?.input ?? undefined;
  const ofInput = {
    ...pick(input, ["noise_reduction"]),
    ...nest("transcription", pick(input?.transcription, ["keywords", "delay"])),
    ...nest(
      "turn_detection",
      pick(input?.turn_detection, ["create_response", "interrupt_response", "idle_timeout_ms"]),
    ),
  };
  const output = session.type === "realtime" ? pick(session.audio, ["output"]) : {};
  return { ...pick(session, ECHOED_OF_SESSION), ...nest("audio", { ...nest("input", ofInput), ...output }) };
}

function pick(value: unknown, keys: readonly string[]): JsonRecord {
  if (!isRecord(value)) return {};
  return Object.fromEntries(keys.flatMap((key) => (value[key] === undefined ? [] : [[key, value[key]]])));
}

function nest(key: string, value: JsonRecord): JsonRecord {
  return Object.keys(value).length === 0 ? {} : { [key]: value };
}
