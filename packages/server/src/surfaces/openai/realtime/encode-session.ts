/** A session as its client is shown it: what is in force, and with it what has no effect here, where the client wrote it. */

import { isRecord } from "@openai-compat/core";
import type { JsonRecord, RealtimeConfig, RealtimeSessionView, TurnDetection } from "@openai-compat/core";
import type { RealtimeSessionResponse } from "@openai-compat/spec";

const FORMATS = {
  pcm: { type: "audio/pcm", rate: 24_000 },
  pcmu: { type: "audio/pcmu" },
  pcma: { type: "audio/pcma" },
} as const;

export function encodeSession({ id, expiresAtMs, config }: RealtimeSessionView): RealtimeSessionResponse {
  const expires_at = Math.floor(expiresAtMs / 1000);
  const include = config.logprobs ? { include: ["item.input_audio_transcription.logprobs" as const] } : null;
  const input = encodeInput(config);
  if (config.type === "transcription") {
    return {
      type: "transcription",
      object: "realtime.transcription_session",
      id,
      expires_at,
      audio: { input },
      ...include,
    };
  }
  const { audio, ...shown } = config.echo;
  const output = read(audio, "output");
  return {
    ...VOICE_DEFAULTS,
    ...shown,
    type: "realtime",
    object: "realtime.session",
    id,
    model: config.model ?? config.transcription.model,
    expires_at,
    audio: { input, ...(output === null ? null : { output }) },
    ...include,
  };
}

/** What a session for a voice has where its client says nothing. */
const VOICE_DEFAULTS = {
  output_modalities: ["text" as const],
  instructions: "",
  tools: [],
  tool_choice: "auto",
  max_output_tokens: "inf" as const,
  tracing: null,
  truncation: "auto" as const,
  prompt: null,
};

function encodeInput({ format, transcription, turnDetection, echo }: RealtimeConfig) {
  const shown = read(echo["audio"], "input");
  const { model, language, languages, prompt } = transcription;
  return {
    noise_reduction: null,
    ...shown,
    format: FORMATS[format],
    transcription: {
      ...read(shown, "transcription"),
      model,
      ...(language === null ? null : { language }),
      ...(languages === null ? null : { languages: [...languages] }),
      ...(prompt === null ? null : { prompt }),
    },
    turn_detection: turnDetection === null ? null : encodeDetection(turnDetection, read(shown, "turn_detection")),
  };
}

function encodeDetection(detection: TurnDetection, shown: JsonRecord | null) {
  if (detection.type === "semantic-vad") {
    const { idle_timeout_ms: _ofOtherType, ...both } = shown ?? {};
    return { ...both, type: "semantic_vad" as const, eagerness: detection.eagerness };
  }
  const { threshold, prefixPaddingMs, silenceMs } = detection;
  return {
    ...shown,
    type: "server_vad" as const,
    threshold,
    prefix_padding_ms: prefixPaddingMs,
    silence_duration_ms: silenceMs,
  };
}

function read(value: unknown, key: string): JsonRecord | null {
  const inner = isRecord(value) ? value[key] : null;
  return isRecord(inner) ? inner : null;
}
