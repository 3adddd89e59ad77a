/** Every place where the reference server decides what a realtime connection is sent, as one table of functions. */

import type { JsonObject } from "../../src/expect.ts";
import type { Refusal } from "../refusal.ts";
import type { CredentialVerdict } from "../tokens.ts";
import type { Close, Fault, Opening, ServerEvent, Session, Step, Turn } from "./session.ts";
import type { UpdateRule } from "./update-rules.ts";

/** A GET that asks to be upgraded. */
export interface Upgrade {
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Of the query. */
  readonly parameters: Readonly<Record<string, string>>;
  /** Subprotocols. */
  readonly offered: readonly string[];
}

/** What breaks the rules of the frames. */
export type Violation = "unmasked" | "reserved-bits" | "opcode" | "not-utf8" | "too-large" | "binary" | "lost-fragment";

type Handler = (session: Session, message: JsonObject, wire: RealtimeWire) => Step;

export interface RealtimeWire {
  /** What is wrong with the request for an upgrade itself. */
  readonly handshake: (upgrade: Upgrade) => Refusal | null;
  /** The credential, as an `Authorization` header would have it. */
  readonly credential: (upgrade: Upgrade) => string | undefined;
  readonly admit: (verdict: CredentialVerdict, upgrade: Upgrade) => Refusal | null;
  readonly validate: (upgrade: Upgrade) => Refusal | null;
  /** The subprotocol that is agreed on. */
  readonly protocol: (upgrade: Upgrade) => string | null;
  /** More headers of the upgrade. */
  readonly headers: (upgrade: Upgrade) => Readonly<Record<string, string>>;
  /** The first lines of what is sent, before the empty one. */
  readonly head: (lines: readonly string[]) => readonly string[];
  readonly isBeta: (upgrade: Upgrade) => boolean;
  /** Whether a session is let in whatever its account has. */
  readonly isFree: (account: string, phase: "upgrade" | "turn") => boolean;
  /** Whether a session counts against its account's limit of requests. */
  readonly isLimited: (account: string) => boolean;
  readonly costOf: (turn: { readonly events: readonly ServerEvent[] }) => number;
  readonly open: (opening: Opening) => Step;
  readonly parse: (text: string) => JsonObject | null;
  readonly update: Handler;
  readonly updateRules: Readonly<Record<string, UpdateRule>>;
  readonly merge: (known: unknown, patch: unknown) => unknown;
  readonly append: Handler;
  readonly decodeAudio: (audio: string) => Uint8Array | null;
  readonly detect: (session: Session, wire: RealtimeWire) => Step;
  readonly commit: Handler;
  readonly refuseCommit: (session: Session, fault: Fault, message: JsonObject) => Step;
  readonly clear: Handler;
  readonly turn: (turn: Turn, wire: RealtimeWire) => readonly ServerEvent[];
  readonly transcribe: (turn: Turn, wire: RealtimeWire) => readonly ServerEvent[];
  readonly hear: (turn: Turn) => string;
  readonly refuseUnknown: (session: Session, message: JsonObject) => Step;
  readonly refuseResponse: (session: Session, message: JsonObject) => Step;
  readonly refuseType: (session: Session, message: JsonObject) => Step;
  readonly refuseBeta: (session: Session, message: JsonObject) => Step;
  readonly handlesLongId: (session: Session, fault: Fault) => Step;
  /** The last word on each step. */
  readonly step: (step: Step, before: Session | null, text: string) => Step;
  /** The last word on each event. */
  readonly stamp: (event: ServerEvent, place: { readonly session: number; readonly number: number }) => JsonObject;
  /** The bytes of an event on the wire: one frame. */
  readonly frame: (event: JsonObject) => Uint8Array;
  /** Whether an event waits for the client's next message. */
  readonly holds: (event: ServerEvent) => boolean;
  readonly join: (fragments: readonly Buffer[]) => Buffer;
  readonly pong: (payload: Buffer) => Buffer | null;
  readonly closeReply: (code: number) => Buffer | null;
  /** Called when a client has vanished without a close frame. */
  readonly lost: (unreadBytes: number) => void;
  /** Null: it goes on as if nothing had happened. */
  readonly violation: (violation: Violation) => Close | "error" | null;
}
