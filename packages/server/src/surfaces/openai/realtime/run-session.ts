/**
 * A session on its connection: messages in, one after the other, and events out, the moment that there are any. Each
 * ends with the other.
 */

import { createWorkSlices, toAiError } from "@openai-compat/core";
import type { AiError, RealtimeCounts, RealtimeEndReason, RealtimeSession } from "@openai-compat/core";
import type { DisconnectCause, WebSocketConnection } from "../../../http/websocket.ts";
import { CLOSE_CODES } from "./close-codes.ts";
import { decodeEvent } from "./decode-event.ts";
import type { DecodeEventOptions } from "./decode-event.ts";
import { encodeEvent } from "./encode-event.ts";

export interface RunSessionOptions extends Omit<DecodeEventOptions, "signal"> {
  readonly session: RealtimeSession;
  readonly connection: WebSocketConnection;
  /** Called with a mistake of this server, which ends the session. */
  readonly onError: (error: AiError) => void;
}

/** Who or what ended a session. */
export type SessionEndCause =
  | Exclude<DisconnectCause, "server">
  | Exclude<RealtimeEndReason, "disconnected" | "slow-reader">
  /** The upstream of the session's model has closed it. */
  | "upstream";

export interface SessionEnd {
  readonly cause: SessionEndCause;
  /** What the connection was closed with. */
  readonly closeCode: number;
  readonly counts: RealtimeCounts;
}

/** Resolves when the connection is closed and every turn is settled. It never rejects. */
export async function runSession(options: RunSessionOptions): Promise<SessionEnd> {
  const { session, connection, onError } = options;
  let reason: RealtimeEndReason = "failed";
  const fail = (thrown: unknown) => {
    if (connection.signal.aborted) return;
    onError(toAiError(thrown));
    connection.close(CLOSE_CODES.internal, "the server had an error");
  };
  const ended = new Promise<void>((resolve) => {
    const end = () => resolve(session.close("disconnected"));
    if (connection.signal.aborted) end();
    else connection.signal.addEventListener("abort", end, { once: true });
  });
  const sent = sendOutputs(options, (end) => (reason = end)).catch(fail);
  const taken = takeMessages(options).catch(fail);
  const { cause, code } = await connection.closed;
  await Promise.all([ended, sent, taken]);
  return { cause: nameCause(cause, reason), closeCode: code, counts: session.counts };
}

function nameCause(cause: DisconnectCause, reason: RealtimeEndReason): SessionEndCause {
  if (cause !== "server") return cause;
  return reason === "disconnected" ? "client" : reason;
}

/** @param onEnd called with why the session has ended. */
async function sendOutputs(
  { session, connection }: RunSessionOptions,
  onEnd: (reason: RealtimeEndReason) => void,
): Promise<void> {
  for await (const output of session.outputs) {
    if (output.type === "end") {
      onEnd(output.reason);
      connection.close(chooseCloseCode(output.reason), CLOSE_TEXTS[output.reason]);
    } else connection.send(JSON.stringify(encodeEvent(output.eventId, output)));
  }
}

async function takeMessages(options: RunSessionOptions): Promise<void> {
  const { session, connection } = options;
  const { signal } = connection;
  const slices = createWorkSlices({ signal });
  for await (const message of connection.messages) {
    await session.receive(await decodeEvent(message, { ...options, signal }));
    // A chunk of the network may hold thousands of them.
    if (slices.isOver) await slices.next();
  }
}

export function chooseCloseCode(reason: RealtimeEndReason): number {
  switch (reason) {
    case "disconnected":
      return CLOSE_CODES.normal;
    case "refused":
      // Nothing but an event of the beta ends a session.
      return CLOSE_CODES.beta;
    case "expired":
    case "idle":
    case "shutting-down":
      return CLOSE_CODES.goingAway;
    case "credential":
    case "quota":
      return CLOSE_CODES.policy;
    case "failed":
      return CLOSE_CODES.internal;
    case "slow-reader":
      return CLOSE_CODES.tryAgainLater;
  }
}

/** An event says more, where there is something to say. */
export const CLOSE_TEXTS: Readonly<Record<RealtimeEndReason, string>> = {
  disconnected: "",
  refused: "the beta is not supported",
  expired: "the session has reached its maximum duration",
  idle: "nothing was sent for too long",
  "shutting-down": "the server is shutting down",
  credential: "the credential is not valid any more",
  quota: "the account has no credits left",
  failed: "the server had an error",
  "slow-reader": "the client does not read what is sent",
};
