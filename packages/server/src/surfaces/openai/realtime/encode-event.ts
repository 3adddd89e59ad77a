/** What a session says, as the message that its client gets. */

import type { RealtimeError, RealtimeErrorCode, RealtimeEvent, RealtimeItem } from "@openai-compat/core";
import type { RealtimeServerEvent } from "@openai-compat/spec";
import { encodeLogprobs } from "../audio/encode-logprobs.ts";
import { encodeErrorCode } from "../protocol/encode-error.ts";
import { encodeSession } from "./encode-session.ts";

/** Sooner or later clients compare them as text; those that OpenAI has are its own. */
const ERROR_CODES: Readonly<Record<RealtimeErrorCode, string>> = {
  buffer_too_small: "input_audio_buffer_commit_empty",
  turn_too_long: "input_audio_buffer_full",
  session_type_fixed: "invalid_parameter",
  format_in_use: "invalid_parameter",
  item_not_found: "item_not_found",
  session_expired: "session_expired",
  session_idle: "session_idle",
  malformed_event: "invalid_json",
  unknown_event: "invalid_value",
  unsupported_event: "unsupported_event",
  unknown_parameter: "unknown_parameter",
  beta_disabled: "beta_api_shape_disabled",
};

export function encodeEvent(eventId: string, event: RealtimeEvent): RealtimeServerEvent {
  const event_id = eventId;
  switch (event.type) {
    case "session-created":
      return { type: "session.created", event_id, session: encodeSession(event.session) };
    case "session-updated":
      return { type: "session.updated", event_id, session: encodeSession(event.session) };
    case "speech-started": {
      const { itemId: item_id, audioStartMs } = event;
      return { type: "input_audio_buffer.speech_started", event_id, audio_start_ms: Math.round(audioStartMs), item_id };
    }
    case "speech-stopped": {
      const { itemId: item_id, audioEndMs } = event;
      return { type: "input_audio_buffer.speech_stopped", event_id, audio_end_ms: Math.round(audioEndMs), item_id };
    }
    case "committed": {
      const { itemId: item_id, previousItemId: previous_item_id } = event;
      return { type: "input_audio_buffer.committed", event_id, previous_item_id, item_id };
    }
    case "cleared":
      return { type: "input_audio_buffer.cleared", event_id };
    case "item-added":
    case "item-done": {
      const type = event.type === "item-added" ? "conversation.item.added" : "conversation.item.done";
      return { type, event_id, previous_item_id: event.previousItemId, item: encodeItem(event.item) };
    }
    case "item-retrieved":
      return { type: "conversation.item.retrieved", event_id, item: encodeItem(event.item) };
    case "item-deleted":
      return { type: "conversation.item.deleted", event_id, item_id: event.itemId };
    case "text-delta":
    case "turn-completed":
    case "turn-failed":
      return encodeTurnEvent(event_id, event);
    case "error": {
      const { error, causedBy } = event;
      return { type: "error", event_id, error: { ...encodeRealtimeError(error), event_id: causedBy } };
    }
  }
}

type TurnEvent = Extract<RealtimeEvent, { readonly type: "text-delta" | "turn-completed" | "turn-failed" }>;

/** A turn is an item with one part. */
const PART = { content_index: 0 } as const;
const PREFIX = "conversation.item.input_audio_transcription";

function encodeTurnEvent(event_id: string, event: TurnEvent): RealtimeServerEvent {
  const place = { event_id, item_id: event.itemId, ...PART };
  switch (event.type) {
    case "text-delta": {
      const { text: delta, logprobs } = event;
      return { type: `${PREFIX}.delta`, ...place, delta, ...withLogprobs(logprobs) };
    }
    case "turn-completed": {
      const { text: transcript, logprobs, heardMs, language } = event;
      const usage = { type: "duration" as const, seconds: heardMs / 1000 };
      const languages = language === null ? null : { languages: [{ code: language }] };
      return { type: `${PREFIX}.completed`, ...place, transcript, ...languages, ...withLogprobs(logprobs), usage };
    }
    case "turn-failed":
      return { type: `${PREFIX}.failed`, ...place, error: encodeRealtimeError(event.error) };
  }
}

function withLogprobs(logprobs: Extract<TurnEvent, { readonly type: "text-delta" }>["logprobs"]) {
  return logprobs === null ? null : { logprobs: encodeLogprobs(logprobs) };
}

function encodeItem({ id, transcript }: RealtimeItem) {
  return {
    id,
    object: "realtime.item" as const,
    type: "message" as const,
    status: "completed" as const,
    role: "user" as const,
    content: [{ type: "input_audio" as const, transcript }],
  };
}

export function encodeRealtimeError({ code, message, param }: RealtimeError) {
  if (isRealtimeCode(code)) return { type: "invalid_request_error", code: ERROR_CODES[code], message, param };
  return { ...encodeErrorCode(code), message, param };
}

function isRealtimeCode(code: RealtimeError["code"]): code is RealtimeErrorCode {
  return Object.hasOwn(ERROR_CODES, code);
}
