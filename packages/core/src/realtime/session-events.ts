/** What a session reacts to, and what it has done: plain data, without a socket, an engine or a clock. */

import type { TokenProbability } from "../engine/chat-engine.ts";
import type { LiveOptions, SpeechDetection, TranscriptionTokens } from "../engine/transcription-engine.ts";
import type { RealtimeAudioFormat } from "./realtime-config.ts";
import type { RealtimeEndReason, RealtimeError, RealtimeEvent, RealtimeInput } from "./realtime-session.ts";

type ClientEvent = Exclude<RealtimeInput, { readonly type: "append" }>;

/** What a session reacts to: its client, its detector, the tasks of its turns, and its end. */
export type SessionEvent =
  | ClientEvent
  | { readonly type: "append"; readonly byteCount: number; readonly eventId: string | null }
  /** As the engine says, without padding. */
  | { readonly type: "speech-started"; readonly atMs: number }
  | { readonly type: "speech-stopped"; readonly atMs: number }
  /** It will begin anew, and knows nothing of speech that has begun. */
  | { readonly type: "detector-lost" }
  | {
      readonly type: "text-delta";
      readonly itemId: string;
      readonly text: string;
      readonly logprobs: readonly TokenProbability[] | null;
    }
  | ({ readonly type: "turn-completed"; readonly itemId: string } & TurnEnd)
  /** @property ends the reason where the session ends with it */
  | {
      readonly type: "turn-failed";
      readonly itemId: string;
      readonly error: RealtimeError;
      readonly ends: RealtimeEndReason | null;
    }
  /** @property drains whether committed turns may end first */
  | {
      readonly type: "stop";
      readonly reason: RealtimeEndReason;
      readonly error: RealtimeError | null;
      readonly drains: boolean;
    };

/** What only an open session reacts to. */
export type OpenEvent = Exclude<
  SessionEvent,
  { readonly type: "text-delta" | "turn-completed" | "turn-failed" | "stop" }
>;

export interface TurnEnd {
  readonly heardMs: number;
  readonly language: string | null;
  readonly tokens: TranscriptionTokens;
}

/** A turn that begins, with the settings that it keeps. */
export interface TurnStart {
  readonly itemId: string;
  /** Null: with the next sample. */
  readonly fromMs: number | null;
  /** Whether a detector says where it ends: then it gets no audio that the detector has not had. */
  readonly isDetected: boolean;
  readonly model: string;
  readonly options: LiveOptions;
}

export type SessionAction =
  | { readonly type: "send"; readonly event: RealtimeEvent }
  /** Of the append that is handled. */
  | { readonly type: "keep-audio" }
  | { readonly type: "open-turn"; readonly turn: TurnStart }
  /** @property atMs null: with the last sample that has come */
  | { readonly type: "finish-turn"; readonly itemId: string; readonly atMs: number | null }
  | { readonly type: "drop-turn"; readonly itemId: string }
  /** From the next sample on. @property detection null: no more */
  | { readonly type: "detect"; readonly detection: SpeechDetection | null; readonly model: string }
  | { readonly type: "use-format"; readonly format: RealtimeAudioFormat }
  | { readonly type: "end"; readonly reason: RealtimeEndReason; readonly error: RealtimeError | null };
