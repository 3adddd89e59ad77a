/**
 * What a realtime session is to a surface: events of its client go in, events for its client come out, and no word of
 * the wire in either.
 */

import type { AiErrorCode } from "../ai-error.ts";
import type { AuthorisedCall } from "../call.ts";
import type { TokenProbability } from "../engine/chat-engine.ts";
import type { TranscriptionTokens } from "../engine/transcription-engine.ts";
import type { RealtimeAudioFormat, RealtimeConfig, RealtimePatch } from "./realtime-config.ts";

/** What can be wrong in a session beside what can be wrong in a call; a surface maps each to its words. */
export const REALTIME_ERROR_CODES = [
  "buffer_too_small",
  "turn_too_long",
  "session_type_fixed",
  "format_in_use",
  "item_not_found",
  "session_expired",
  "session_idle",
  "malformed_event",
  "unknown_event",
  "unsupported_event",
  "unknown_parameter",
  "beta_disabled",
] as const;

export type RealtimeErrorCode = (typeof REALTIME_ERROR_CODES)[number];

export interface RealtimeError {
  readonly code: AiErrorCode | RealtimeErrorCode;
  /** For the client, as of an `AiError`. */
  readonly message: string;
  /** The field of the client's event, `session.type` for one. */
  readonly param: string | null;
}

/** An event of the client. `eventId` is the client's own, null where it has none. */
export type RealtimeInput = { readonly eventId: string | null } & (
  | { readonly type: "update"; readonly patch: RealtimePatch }
  /** @property bytes as sent, in the session's format; of a sample that is cut the rest may come with the next ones */
  | { readonly type: "append"; readonly bytes: Uint8Array }
  | { readonly type: "commit" }
  | { readonly type: "clear" }
  | { readonly type: "retrieve-item"; readonly itemId: string }
  | { readonly type: "delete-item"; readonly itemId: string }
  /** What the surface has refused: the client gets it in its turn. @property ends whether the session ends with it */
  | { readonly type: "refuse"; readonly error: RealtimeError; readonly ends: boolean }
);

export interface RealtimeSessionView {
  readonly id: string;
  /** Seconds and less count: milliseconds since the epoch. */
  readonly expiresAtMs: number;
  readonly config: RealtimeConfig;
}

/** A turn as an item of the conversation. */
export interface RealtimeItem {
  readonly id: string;
  /** Null until the turn is completed. */
  readonly transcript: string | null;
}

/** Why a session has ended. `disconnected`: as its surface said. */
export type RealtimeEndReason =
  | "disconnected"
  | "refused"
  | "expired"
  | "idle"
  | "credential"
  | "quota"
  | "shutting-down"
  | "failed"
  | "slow-reader";

/** An event for the client, with the id that it has there. The last one is `end`, which has none. */
export type RealtimeOutput =
  | ({ readonly eventId: string } & RealtimeEvent)
  /** @property error what the client was told before, null where there was nothing to tell */
  | { readonly type: "end"; readonly reason: RealtimeEndReason; readonly error: RealtimeError | null };

export type RealtimeEvent =
  | { readonly type: "session-created"; readonly session: RealtimeSessionView }
  | { readonly type: "session-updated"; readonly session: RealtimeSessionView }
  /** Times count from the first sample of the session, the padding included. */
  | { readonly type: "speech-started"; readonly itemId: string; readonly audioStartMs: number }
  /** The pause that ended the turn is part of it. */
  | { readonly type: "speech-stopped"; readonly itemId: string; readonly audioEndMs: number }
  | { readonly type: "committed"; readonly itemId: string; readonly previousItemId: string | null }
  | { readonly type: "cleared" }
  | { readonly type: "item-added"; readonly item: RealtimeItem; readonly previousItemId: string | null }
  | { readonly type: "item-done"; readonly item: RealtimeItem; readonly previousItemId: string | null }
  | { readonly type: "item-retrieved"; readonly item: RealtimeItem }
  | { readonly type: "item-deleted"; readonly itemId: string }
  | {
      readonly type: "text-delta";
      readonly itemId: string;
      readonly text: string;
      /** Null where they were not asked for. */
      readonly logprobs: readonly TokenProbability[] | null;
    }
  | {
      readonly type: "turn-completed";
      readonly itemId: string;
      /** The texts of its deltas, joined. */
      readonly text: string;
      readonly logprobs: readonly TokenProbability[] | null;
      /** What is charged for. */
      readonly heardMs: number;
      readonly language: string | null;
      readonly tokens: TranscriptionTokens;
    }
  | { readonly type: "turn-failed"; readonly itemId: string; readonly error: RealtimeError }
  /** @property causedBy the id that the client gave to the event that is refused; null where none is */
  | { readonly type: "error"; readonly error: RealtimeError; readonly causedBy: string | null };

export interface RealtimeSession {
  readonly route: "local";
  readonly id: string;
  /** Resolves when there is room for the next one: until then its caller reads no further. Bad input is answered. */
  receive(input: RealtimeInput): Promise<void>;
  /** In order; taken once. */
  readonly outputs: AsyncIterable<RealtimeOutput>;
  /**
   * `disconnected`: nobody listens any more, what runs is aborted. `shutting-down`: the client gets an error, committed turns
   * may end. Resolves when every turn is settled.
   */
  close(reason: "disconnected" | "shutting-down"): Promise<void>;
  /** For logs and metrics: what the session has heard and answered so far. */
  readonly counts: RealtimeCounts;
}

export interface RealtimeCounts {
  readonly turns: number;
  readonly failedTurns: number;
  readonly heardMs: number;
  readonly receivedMs: number;
}

/** Bounds of a session; each a setting. */
export interface RealtimeLimits {
  /** How long a session may last. */
  readonly sessionMsMax: number;
  /** How long a session may get no event of its client. */
  readonly idleMsMax: number;
  /** Audio that has come and not been listened to; while there is more, nothing is read. */
  readonly bufferMsMax: number;
  /** Audio of one turn. A detector's turn is cut there; a client's own takes no more. */
  readonly turnMsMax: number;
  /** Audio that credits are held for at once. */
  readonly holdMs: number;
  /** How often the credential is examined. */
  readonly credentialCheckMs: number;
}

/** Samples of 16 kHz from the bytes of a session's format, without a gap between two of its pieces. */
export interface RealtimeAudioDecoder {
  /** The samples that are certain once these bytes have been added. */
  push(bytes: Uint8Array): Int16Array;
  /** The rest. It goes on as a new one. */
  flush(): Int16Array;
}

export interface OpenRealtimeOptions {
  /** `transcription`: as the client asked. `model`: with the name of a model, which may be no model of this server. */
  readonly intent: "transcription" | "model";
  readonly model: string | null;
  /** What a session begins with beside the defaults; of the same type. Null for nothing. */
  readonly patch: RealtimePatch | null;
  /**
   * Authenticates and authorises again: for each turn, and now and then between them.
   *
   * @throws AiError what ends the session: the credential has expired or was revoked
   */
  readonly authoriseTurn: () => Promise<AuthorisedCall>;
  readonly limits: RealtimeLimits;
  readonly createDecoder: (format: RealtimeAudioFormat) => RealtimeAudioDecoder;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
  /** Ids of items, events and sessions, with their prefix (`item_…`). Default: random ones. */
  readonly createId?: (prefix: "sess" | "item" | "event") => string;
}
