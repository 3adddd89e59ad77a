/** A message of a client, to what it asks of its session. What is wrong with it is part of that: its client gets an error. */

import { AiError, createWorkSlices, isRecord } from "@openai-compat/core";
import type { JsonRecord, RealtimeInput } from "@openai-compat/core";
import {
  APPENDED_BYTES_MAX,
  CLIENT_EVENT_ID_LENGTH_MAX,
  conversationItemDeleteEventSchema,
  conversationItemRetrieveEventSchema,
  inputAudioBufferAppendEventSchema,
  realtimeClientEventSchema,
} from "@openai-compat/spec";
import type { RealtimeClientEvent } from "@openai-compat/spec";
import type { JsonBounds } from "../../../http/json-values.ts";
import { parseJsonInSlices } from "../../../http/parse-json.ts";
import type { ReceivedMessage } from "../../../http/websocket.ts";
import { decodeBody } from "../decode-body.ts";
import { isBetaSession } from "./beta.ts";
import { decodeAudio } from "./decode-audio.ts";
import { decodeSession } from "./decode-session.ts";
import { RealtimeRefusal, refuseBeta, toRefusal } from "./realtime-refusal.ts";

export interface DecodeEventOptions {
  readonly bounds: JsonBounds;
  /** Largest `session` of an update, in bytes of the message. */
  readonly sessionBytesMax: number;
  readonly signal: AbortSignal;
}

type Ask = RealtimeInput extends infer Input ? (Input extends unknown ? Omit<Input, "eventId"> : never) : never;

/** @throws the signal's reason */
export async function decodeEvent(message: ReceivedMessage, options: DecodeEventOptions): Promise<RealtimeInput> {
  let eventId: string | null = null;
  try {
    const event = await parseEvent(message, options);
    eventId = readEventId(event);
    const ask = await decodeAsk(event, message, options);
    return { ...ask, eventId };
  } catch (thrown) {
    options.signal.throwIfAborted();
    const { error, ends } = toRefusal(thrown);
    return { type: "refuse", error, ends, eventId };
  }
}

/** An event of any type. @throws RealtimeRefusal `malformed_event` */
export async function parseEvent(
  { bytes, isBinary }: ReceivedMessage,
  { bounds, signal }: Pick<DecodeEventOptions, "bounds" | "signal">,
): Promise<JsonRecord> {
  if (isBinary) throw malformed("Events are text messages with JSON; this one is binary.");
  const parsed = await parseJsonInSlices(bytes, bounds, createWorkSlices({ signal }));
  if (parsed.type === "invalid") throw malformed(`The event is not valid JSON near byte ${parsed.byte}.`);
  if (parsed.type === "excess") {
    throw malformed(
      parsed.excess === "depth" ? "The event is nested too deep." : `The event has too many ${parsed.excess}.`,
    );
  }
  if (!isRecord(parsed.value)) throw malformed("An event has to be a JSON object.");
  return parsed.value;
}

function malformed(message: string): RealtimeRefusal {
  return new RealtimeRefusal({ code: "malformed_event", message, param: null });
}

/** @throws AiError */
function readEventId({ event_id: eventId }: JsonRecord): string | null {
  if (eventId === undefined || eventId === null) return null;
  if (typeof eventId === "string" && eventId.length <= CLIENT_EVENT_ID_LENGTH_MAX) return eventId;
  const message = `Invalid 'event_id': expected a string of at most ${CLIENT_EVENT_ID_LENGTH_MAX} characters.`;
  throw new AiError("invalid_value", message, { param: "event_id" });
}

const EVENT_TYPES: readonly string[] = realtimeClientEventSchema.options.map(({ shape }) => shape.type.value);

/** @throws AiError, RealtimeRefusal */
async function decodeAsk(event: JsonRecord, { bytes }: ReceivedMessage, options: DecodeEventOptions): Promise<Ask> {
  const type = readType(event);
  switch (type) {
    case "session.update":
      return { type: "update", patch: decodeUpdate(event, bytes.length, options) };
    case "input_audio_buffer.append": {
      const { audio } = decodeBody(inputAudioBufferAppendEventSchema, event);
      const decoded = await decodeAudio(audio, createWorkSlices(options));
      if (decoded.length <= APPENDED_BYTES_MAX) return { type: "append", bytes: decoded };
      const message = `Invalid 'audio': expected at most ${APPENDED_BYTES_MAX} bytes of audio in one event.`;
      throw new AiError("invalid_value", message, { param: "audio" });
    }
    case "input_audio_buffer.commit":
      return { type: "commit" };
    case "input_audio_buffer.clear":
      return { type: "clear" };
    case "conversation.item.retrieve":
      return { type: "retrieve-item", itemId: decodeBody(conversationItemRetrieveEventSchema, event).item_id };
    case "conversation.item.delete":
      return { type: "delete-item", itemId: decodeBody(conversationItemDeleteEventSchema, event).item_id };
    case "conversation.item.create":
    case "conversation.item.truncate":
    case "output_audio_buffer.clear":
    case "response.cancel":
    case "response.create":
      throw unsupported(type);
  }
}

/** @throws AiError, RealtimeRefusal */
function readType({ type }: JsonRecord): RealtimeClientEvent["type"] {
  if (type === undefined) {
    throw new AiError("missing_required_parameter", "Missing required parameter: 'type'.", { param: "type" });
  }
  if (type === "transcription_session.update") throw refuseBeta();
  if (isEventType(type)) return type;
  const shown = typeof type === "string" ? `'${type.slice(0, TYPE_LENGTH_SHOWN)}'` : "no string";
  const supported = EVENT_TYPES.map((name) => `'${name}'`).join(", ");
  const message = `Invalid value for 'type': ${shown}. Supported values are: ${supported}.`;
  throw new RealtimeRefusal({ code: "unknown_event", message, param: "type" });
}

const TYPE_LENGTH_SHOWN = 60;

function isEventType(type: unknown): type is RealtimeClientEvent["type"] {
  return typeof type === "string" && EVENT_TYPES.includes(type);
}

function decodeUpdate({ session }: JsonRecord, byteCount: number, { sessionBytesMax }: DecodeEventOptions) {
  if (isBetaSession(session)) throw refuseBeta();
  if (byteCount <= sessionBytesMax) return decodeSession(session);
  const message = `The session is larger than this server accepts (${sessionBytesMax} bytes).`;
  throw new AiError("invalid_value", message, { param: "session" });
}

function unsupported(type: string): RealtimeRefusal {
  const message = `Sessions of this server only transcribe: '${type}' is not supported.`;
  return new RealtimeRefusal({ code: "unsupported_event", message, param: "type" });
}
