/**
 * The session of an upstream's model on its connection: messages pass as they are, both ways at the pace of the slower
 * side. Of its own it says what it refuses, and why it ends.
 */

import { createWorkSlices, toAiError } from "@openai-compat/core";
import type { AiError, RealtimeError, RealtimeFrame, RelayedSession, RelayEvent } from "@openai-compat/core";
import type { DisconnectCause, ReceivedMessage, WebSocketConnection } from "../../../http/websocket.ts";
import { CLOSE_CODES } from "./close-codes.ts";
import { parseEvent } from "./decode-event.ts";
import type { DecodeEventOptions } from "./decode-event.ts";
import { encodeRealtimeError } from "./encode-event.ts";
import { toRefusal } from "./realtime-refusal.ts";
import { CLOSE_TEXTS, chooseCloseCode } from "./run-session.ts";
import type { SessionEnd, SessionEndCause } from "./run-session.ts";

export interface RunRelayOptions extends Pick<DecodeEventOptions, "bounds"> {
  readonly session: RelayedSession;
  readonly connection: WebSocketConnection;
  /** Called with a mistake of this server, which ends the session. */
  readonly onError: (error: AiError) => void;
}

type EndReason = Extract<RelayEvent, { readonly type: "end" }>["reason"];

/** Resolves when the connection is closed and the session is paid for. It never rejects. */
export async function runRelay(options: RunRelayOptions): Promise<SessionEnd> {
  const { session, connection, onError } = options;
  let reason: EndReason = "failed";
  const fail = (thrown: unknown) => {
    if (connection.signal.aborted) return;
    onError(toAiError(thrown));
    connection.close(CLOSE_CODES.internal, CLOSE_TEXTS.failed);
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

function nameCause(cause: DisconnectCause, reason: EndReason): SessionEndCause {
  if (cause !== "server") return cause;
  return reason === "disconnected" || reason === "slow-reader" ? "client" : reason;
}

/** @param onEnd called with why the session has ended. */
async function sendOutputs(
  { session, connection }: RunRelayOptions,
  onEnd: (reason: EndReason) => void,
): Promise<void> {
  for await (const output of session.outputs) {
    switch (output.type) {
      case "frame":
        await connection.sendInTurn(output.text);
        break;
      case "error":
        await sendError(connection, output);
        break;
      case "end": {
        const { reason, close } = output;
        onEnd(reason);
        if (reason === "upstream") connection.close(close?.code ?? CLOSE_CODES.normal, cutReason(close?.reason ?? ""));
        else connection.close(chooseCloseCode(reason), CLOSE_TEXTS[reason]);
      }
    }
  }
}

async function takeMessages({ session, connection, bounds }: RunRelayOptions): Promise<void> {
  const { signal } = connection;
  const slices = createWorkSlices({ signal });
  for await (const message of connection.messages) {
    const frame = await decodeFrame(message, { bounds, signal });
    if ("error" in frame) await sendError(connection, frame);
    else await session.receive(frame);
    // A chunk of the network may hold thousands of them.
    if (slices.isOver) await slices.next();
  }
}

interface RefusedMessage {
  readonly error: RealtimeError;
  readonly causedBy: string | null;
}

/** What is no JSON object is refused here: what it costs could not be counted. @throws the signal's reason */
async function decodeFrame(
  message: ReceivedMessage,
  options: Pick<DecodeEventOptions, "bounds" | "signal">,
): Promise<RealtimeFrame | RefusedMessage> {
  try {
    const event = await parseEvent(message, options);
    return { text: message.bytes.toString("utf8"), event };
  } catch (thrown) {
    options.signal.throwIfAborted();
    return { error: toRefusal(thrown).error, causedBy: null };
  }
}

function sendError(connection: WebSocketConnection, { error, causedBy }: RefusedMessage): Promise<void> {
  const event_id = `event_${crypto.randomUUID().replaceAll("-", "")}`;
  const event = { type: "error", event_id, error: { ...encodeRealtimeError(error), event_id: causedBy } };
  return connection.sendInTurn(JSON.stringify(event));
}

/** Of the text in a close frame (RFC 6455, section 5.5). */
const REASON_BYTES_MAX = 123;

function cutReason(reason: string): string {
  const bytes = Buffer.from(reason, "utf8");
  if (bytes.length <= REASON_BYTES_MAX) return reason;
  return bytes
    .subarray(0, REASON_BYTES_MAX)
    .toString("utf8")
    .replace(/\uFFFD+$/u, "");
}
