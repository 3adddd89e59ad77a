/** From a client's message to the next state of the session and the server's messages. Pure: no clock, no socket. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { findSpeech, listLoudWindows } from "./audio.ts";
import type { RealtimeWire } from "./realtime-wire.ts";
import {
  composeError,
  type Fault,
  formatOf,
  mergeDeeply,
  nextItem,
  type Opening,
  readAt,
  type ServerEvent,
  type Session,
  type Step,
  type Turn,
} from "./session.ts";

const PLAYED = "And so, my fellow Americans";
const COMMIT_MS_MIN = 100;
const DEFAULT_SILENCE_MS = 500;
const DEFAULT_PREFIX_MS = 300;
const EVENT_ID_LENGTH_MAX = 512;
const HOUR_SECONDS = 3600;
/** So many bytes have no whole sample. */
const NOTHING = new Uint8Array();

export const BETA_FAULT: Fault = {
  code: "beta_api_shape_disabled",
  message: "The Realtime Beta API is no longer supported. Please use /v1/realtime for the GA API.",
};
export const BETA_CLOSE = { code: 4000, reason: "invalid_request_error.beta_api_shape_disabled" };

const DEFAULTS = {
  audio: {
    input: {
      format: { type: "audio/pcm", rate: 24_000 },
      transcription: { model: "reference-transcription" },
      noise_reduction: null,
      turn_detection: {
        type: "server_vad",
        threshold: 0.5,
        prefix_padding_ms: DEFAULT_PREFIX_MS,
        silence_duration_ms: DEFAULT_SILENCE_MS,
      },
    },
  },
  include: null,
};

export function openSession({ number, kind, model, created, patch, isBeta }: Opening): Step {
  const own = {
    type: kind,
    object: kind === "transcription" ? "realtime.transcription_session" : "realtime.session",
    id: `sess_${number}`,
    expires_at: created + HOUR_SECONDS,
    ...(kind === "realtime" ? { model: model ?? "reference-transcription", output_modalities: ["audio"] } : {}),
  };
  const config = { ...own, ...toObject(mergeDeeply(DEFAULTS, patch)), type: kind };
  const empty = { buffer: NOTHING, bufferStartMs: 0, speaking: null, items: 0, lastItem: null };
  const session = { number, kind, config, ...empty };
  if (isBeta) return { session, events: [composeError(BETA_FAULT, null)], close: BETA_CLOSE };
  return { session, events: [{ type: "session.created", session: config }] };
}

/** Dispatches by the type of the message. */
export function handleMessage(session: Session, text: string, wire: RealtimeWire): Step {
  const message = wire.parse(text);
  if (message === null) return fail(session, { code: "invalid_json", message: "The message is no JSON object." }, {});
  const { type, event_id: eventId } = message;
  if (typeof eventId === "string" && eventId.length > EVENT_ID_LENGTH_MAX) {
    const fault = { code: "string_above_max_length", message: "The event_id is too long.", param: "event_id" };
    return wire.handlesLongId(session, fault);
  }
  if (typeof type !== "string") {
    return wire.refuseType(session, message);
  }
  switch (type) {
    case "session.update":
      return wire.update(session, message, wire);
    case "input_audio_buffer.append":
      return wire.append(session, message, wire);
    case "input_audio_buffer.commit":
      return wire.commit(session, message, wire);
    case "input_audio_buffer.clear":
      return wire.clear(session, message, wire);
    case "transcription_session.update":
      return wire.refuseBeta(session, message);
    default:
      return type.startsWith("response.")
        ? wire.refuseResponse(session, message)
        : wire.refuseUnknown(session, message);
  }
}

export function fail(session: Session, fault: Fault, message: JsonObject): Step {
  return { session, events: [composeError(fault, message["event_id"])] };
}

export function update(session: Session, message: JsonObject, wire: RealtimeWire): Step {
  const { session: patch } = message;
  if (!isJsonObject(patch)) {
    const fault = { code: "missing_required_parameter", message: "Missing required parameter: 'session'." };
    return fail(session, { ...fault, param: "session" }, message);
  }
  for (const rule of Object.values(wire.updateRules)) {
    const fault = rule(patch, session);
    if (fault !== null) return fail(session, fault, message);
  }
  const config = toObject(wire.merge(session.config, patch));
  return { session: { ...session, config }, events: [{ type: "session.updated", session: config }] };
}

export function append(session: Session, message: JsonObject, wire: RealtimeWire): Step {
  const { audio } = message;
  const bytes = typeof audio === "string" ? wire.decodeAudio(audio) : null;
  if (bytes === null) {
    const fault = { code: "invalid_value", message: "Expected base64-encoded audio bytes.", param: "audio" };
    return fail(session, fault, message);
  }
  const joined = { ...session, buffer: Buffer.concat([session.buffer, bytes]) };
  const detection = readAt(session.config, ["audio", "input", "turn_detection"]);
  return isJsonObject(detection) ? wire.detect(joined, wire) : { session: joined, events: [] };
}

/** Standard base64; null for what is none. */
export function decodeAudio(audio: string): Uint8Array | null {
  return audio.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(audio) ? Buffer.from(audio, "base64") : null;
}

/** Everything that speech in the buffer begins and ends. */
export function detect(session: Session, wire: RealtimeWire): Step {
  const format = formatOf(session.config);
  const detection = readAt(session.config, ["audio", "input", "turn_detection"]);
  const silenceMs = Number(readAt(detection, ["silence_duration_ms"]) ?? DEFAULT_SILENCE_MS);
  const prefixMs = Number(readAt(detection, ["prefix_padding_ms"]) ?? DEFAULT_PREFIX_MS);
  const speech = findSpeech(session.buffer, format, silenceMs);
  if (speech === null) return { session, events: [] };
  const itemId = session.speaking ?? nextItem(session);
  const startMs = session.bufferStartMs + Math.max(0, speech.startMs - prefixMs);
  const started: readonly ServerEvent[] =
    session.speaking === null
      ? [{ type: "input_audio_buffer.speech_started", audio_start_ms: startMs, item_id: itemId }]
      : [];
  if (speech.endMs === null) return { session: { ...session, speaking: itemId }, events: started };
  const endMs = speech.endMs + silenceMs;
  const stopped = {
    type: "input_audio_buffer.speech_stopped",
    audio_end_ms: session.bufferStartMs + endMs,
    item_id: itemId,
  };
  const ended = endTurn(session, endMs * format.bytesPerMs, wire);
  const rest = detect(ended.session, wire);
  return { session: rest.session, events: [...started, stopped, ...ended.events, ...rest.events] };
}

export function commit(session: Session, message: JsonObject, wire: RealtimeWire): Step {
  const { bytesPerMs } = formatOf(session.config);
  const lengthMs = session.buffer.length / bytesPerMs;
  if (lengthMs < COMMIT_MS_MIN) {
    const found = `buffer too small. Expected at least 100ms of audio, but buffer only has ${lengthMs.toFixed(2)}ms of audio.`;
    const fault = {
      code: "input_audio_buffer_commit_empty",
      message: `Error committing input audio buffer: ${found}`,
    };
    return wire.refuseCommit(session, fault, message);
  }
  return endTurn(session, session.buffer.length, wire);
}

/** So many bytes of the buffer become an item. */
function endTurn(session: Session, bytes: number, wire: RealtimeWire): Step {
  const format = formatOf(session.config);
  const itemId = session.speaking ?? nextItem(session);
  const audio = session.buffer.subarray(0, bytes);
  const turn = { session, itemId, previousItemId: session.lastItem, audio, format };
  const next = {
    ...session,
    buffer: session.buffer.subarray(bytes),
    bufferStartMs: session.bufferStartMs + audio.length / format.bytesPerMs,
    speaking: null,
    items: session.items + 1,
    lastItem: itemId,
  };
  return { session: next, events: wire.turn(turn, wire) };
}

export function clear(session: Session): Step {
  const bufferStartMs = session.bufferStartMs + session.buffer.length / formatOf(session.config).bytesPerMs;
  const cleared = { ...session, buffer: NOTHING, bufferStartMs, speaking: null };
  return { session: cleared, events: [{ type: "input_audio_buffer.cleared" }] };
}

/** Everything that is said of a turn, in order. */
export function composeTurn(turn: Turn, wire: RealtimeWire): readonly ServerEvent[] {
  const { itemId, previousItemId } = turn;
  const content = [{ type: "input_audio", transcript: null }];
  const item = { id: itemId, object: "realtime.item", type: "message", role: "user", status: "completed", content };
  return [
    { type: "input_audio_buffer.committed", previous_item_id: previousItemId, item_id: itemId },
    { type: "conversation.item.added", previous_item_id: previousItemId, item },
    { type: "conversation.item.done", previous_item_id: previousItemId, item },
    ...wire.transcribe(turn, wire),
  ];
}

export function composeTranscript(turn: Turn, wire: RealtimeWire): readonly ServerEvent[] {
  const { itemId, audio, format } = turn;
  const place = { item_id: itemId, content_index: 0 };
  const prefix = "conversation.item.input_audio_transcription";
  const text = wire.hear(turn);
  const words = text === "" ? [] : text.split(" ").map((word, index) => (index === 0 ? word : ` ${word}`));
  const usage = { type: "duration", seconds: audio.length / format.bytesPerMs / 1000 };
  return [
    ...words.map((delta) => ({ type: `${prefix}.delta`, ...place, delta })),
    { type: `${prefix}.completed`, ...place, transcript: text, usage },
  ];
}

export function hear({ audio, format }: Turn): string {
  return listLoudWindows(audio, format).includes(true) ? PLAYED : "";
}

function toObject(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}
