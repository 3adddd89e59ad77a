/** What a session of the reference server is, between two messages. */

import type { JsonObject } from "../../src/expect.ts";
import { AUDIO_FORMATS, type AudioFormat } from "./audio.ts";

export type SessionKind = "transcription" | "realtime";

export interface Session {
  /** No other session has it. */
  readonly number: number;
  readonly kind: SessionKind;
  /** What the client sees of it. */
  readonly config: JsonObject;
  /** Not yet in an item. */
  readonly buffer: Uint8Array;
  /** Of the audio before the buffer. */
  readonly bufferStartMs: number;
  /** The item of the speech that has begun. */
  readonly speaking: string | null;
  /** How many there are. */
  readonly items: number;
  readonly lastItem: string | null;
}

/** One of a server's messages, without its id. */
export type ServerEvent = JsonObject & { readonly type: string };

export interface Close {
  readonly code: number;
  readonly reason: string;
}

/** What is known of a session when it begins. */
export interface Opening {
  readonly number: number;
  readonly kind: SessionKind;
  readonly model: string | null;
  /** Seconds. */
  readonly created: number;
  /** What a client secret brings along. */
  readonly patch: JsonObject;
  readonly isBeta: boolean;
}

/** What becomes of a session by a message. */
export interface Step {
  readonly session: Session;
  readonly events: readonly ServerEvent[];
  /** The connection is closed after the events. */
  readonly close?: Close;
}

export interface Fault {
  readonly code: string | null;
  readonly message: string;
  readonly param?: string;
}

/** A turn that has ended. */
export interface Turn {
  readonly session: Session;
  readonly itemId: string;
  readonly previousItemId: string | null;
  readonly audio: Uint8Array;
  readonly format: AudioFormat;
}

export function readAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) at = typeof at === "object" && at !== null ? Reflect.get(at, name) : undefined;
  return at;
}

export function formatOf(config: JsonObject): AudioFormat {
  const type = readAt(config, ["audio", "input", "format", "type"]);
  return AUDIO_FORMATS[String(type)] ?? { ...pcm() };
}

function pcm(): AudioFormat {
  const { "audio/pcm": format } = AUDIO_FORMATS;
  if (format === undefined) throw new Error("There is no PCM.");
  return format;
}

export function nextItem({ number, items }: Session): string {
  return `item_${number}x${items + 1}`;
}

/** Objects are merged, all else is replaced. */
export function mergeDeeply(known: unknown, patch: unknown): unknown {
  if (!isPlain(known) || !isPlain(patch)) return patch;
  const merged: Record<string, unknown> = { ...known };
  for (const [name, value] of Object.entries(patch)) merged[name] = mergeDeeply(known[name], value);
  return merged;
}

function isPlain(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export function composeError({ code, message, param }: Fault, eventId: unknown): ServerEvent {
  const error = { type: "invalid_request_error", code, message, param: param ?? null };
  return { type: "error", error: { ...error, event_id: typeof eventId === "string" ? eventId : null } };
}
