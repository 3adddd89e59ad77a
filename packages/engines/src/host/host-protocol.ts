/** The messages between the server and the process of a model. Each can be structured-cloned. */

import type { AiErrorData } from "@openai-compat/core";
import type { NativeLine } from "./native-model.ts";

export type ParentMessage =
  | {
      readonly type: "open";
      readonly kind: string;
      readonly settings: unknown;
      /** Lines of the native library that are sent in a minute; more are left out. */
      readonly logLinesPerMinute: number;
    }
  | { readonly type: "ask" | "listen"; readonly id: number; readonly name: string; readonly argument: unknown }
  /** So many events were consumed: as many more may come. */
  | { readonly type: "credit"; readonly id: number; readonly events: number }
  | { readonly type: "abort"; readonly id: number; readonly reason: AiErrorData }
  /** Nobody consumes the stream any more. */
  | { readonly type: "leave"; readonly id: number }
  | { readonly type: "ping" }
  /** Dispose of the model and exit. */
  | { readonly type: "close" };

export type ChildMessage =
  | { readonly type: "opened"; readonly answers: readonly string[]; readonly streams: readonly string[] }
  | { readonly type: "open-failed"; readonly error: AiErrorData }
  | { readonly type: "answer"; readonly id: number; readonly value: unknown }
  | { readonly type: "event"; readonly id: number; readonly event: unknown }
  | { readonly type: "end"; readonly id: number }
  /** `error` is null for what its own signal made it throw. */
  | { readonly type: "failed"; readonly id: number; readonly error: AiErrorData | null }
  | { readonly type: "pong"; readonly rssBytes: number }
  | ({ readonly type: "log" } & NativeLine);

/** One end of the connection. Messages arrive in the order in which they were sent, or not at all. */
export interface Port<Sent, Received> {
  send(message: Sent): void;
  /** Called once, before any message is sent. */
  receive(listener: (message: Received) => void): void;
}

/** What a child has to say in one round of its event loop goes as one message: many streams cost little more than one. */
export type ChildPort = Port<readonly ChildMessage[], ParentMessage>;

/**
 * Events of a stream that the child may send before one is consumed. It hides the way between the processes; a caller that stops reading has
 * as many computed and unread at most.
 */
export const EVENTS_AHEAD_MAX = 8;
