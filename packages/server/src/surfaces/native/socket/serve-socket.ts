/** A WebSocket of the native surface from its opening to its end: its messages, its credential, and how it drains. */

import { AiError, createWorkSlices, toAiError } from "@openai-compat/core";
import type { AiErrorCode, Principal } from "@openai-compat/core";
import type { BodyBudget } from "../../../http/body-budget.ts";
import type { ActiveSessions } from "../../../http/active-sessions.ts";
import type { JsonBounds } from "../../../http/json-values.ts";
import type { ReceivedMessage, WebSocketConnection } from "../../../http/websocket.ts";
import { decodeRequests, parseMessage } from "./decode-message.ts";
import type { SocketRequest } from "./decode-message.ts";
import { createSocketCalls } from "./socket-calls.ts";
import type { SocketCalls, SocketCallsOptions } from "./socket-calls.ts";

/** Of RFC 6455, section 7.4. */
export const SOCKET_CLOSE_CODES = {
  /** The server stops: connect again. */
  goingAway: 1001,
  /** The credential is good no more. An error said why. */
  policy: 1008,
  internal: 1011,
} as const;

export interface ServeSocketOptions extends Omit<SocketCallsOptions, "onIdle"> {
  readonly accountId: string;
  readonly sessions: ActiveSessions;
  readonly bodies: BodyBudget;
  readonly bounds: JsonBounds;
  readonly credentialCheckMs: number;
}

/** Resolves when the connection is closed and its calls have ended. It never rejects. */
export async function serveSocket(options: ServeSocketOptions): Promise<void> {
  const { connection, sessions, scope } = options;
  let closing: { readonly code: number; readonly reason: string } | null = null;
  const closeWhenIdle = () => {
    if (closing !== null && calls.count === 0) connection.close(closing.code, closing.reason);
  };
  const calls = createSocketCalls({ ...options, onIdle: () => closeWhenIdle() });
  const end = (code: number, reason: string) => {
    closing ??= { code, reason };
    closeWhenIdle();
  };
  const forget = sessions.add({
    end(reason) {
      calls.drain(reason);
      end(SOCKET_CLOSE_CODES.goingAway, "the server is shutting down");
    },
    abort: (reason) => {
      calls.abort(reason);
      end(SOCKET_CLOSE_CODES.goingAway, "the server is shutting down");
    },
    terminate: () => connection.terminate(),
  });
  const watch = watchCredential(options, (error) => {
    calls.abort(error);
    end(SOCKET_CLOSE_CODES.policy, "the credential is not valid any more");
  });
  connection.signal.addEventListener("abort", () => calls.leave(), { once: true });
  try {
    await takeMessages(calls, options);
  } catch (thrown) {
    if (!connection.signal.aborted) {
      options.reportError(toAiError(thrown), scope);
      connection.close(SOCKET_CLOSE_CODES.internal, "the server had an error");
    }
  }
  clearInterval(watch);
  await connection.closed;
  forget();
}

async function takeMessages(calls: SocketCalls, options: ServeSocketOptions): Promise<void> {
  const { connection } = options;
  const slices = createWorkSlices({ signal: connection.signal });
  for await (const message of connection.messages) {
    if (await answerPing(message, connection)) continue;
    await takeMessage(message, calls, options);
    if (slices.isOver) await slices.next();
  }
}

/** Clients of tRPC send pings as messages, because a page can't send those of the protocol. */
export async function answerPing(
  { bytes, isBinary }: ReceivedMessage,
  connection: WebSocketConnection,
): Promise<boolean> {
  if (isBinary || bytes.length !== PING_BYTES) return false;
  const text = bytes.toString("latin1");
  if (text === "PING") await connection.sendInTurn("PONG");
  return text === "PING" || text === "PONG";
}

const PING_BYTES = 4;

async function takeMessage(
  message: ReceivedMessage,
  calls: SocketCalls,
  { connection, bodies, bounds, accountId }: ServeSocketOptions,
): Promise<void> {
  const { signal } = connection;
  let requests: readonly SocketRequest[];
  try {
    requests = decodeRequests(await parseMessage(message, { bounds, signal }));
  } catch (thrown) {
    signal.throwIfAborted();
    if (!(thrown instanceof AiError)) throw thrown;
    return calls.refuse(null, thrown);
  }
  // What the calls were given is in memory until they have ended.
  const share = bodies.open(accountId);
  let noRoom: AiError | null = null;
  try {
    share.take(message.bytes.length);
  } catch (thrown) {
    noRoom = toAiError(thrown);
  }
  const started: Promise<void>[] = [];
  for (const request of requests) {
    if (request.type === "stop") calls.stop(request.id);
    else if (request.type === "refused") await calls.refuse(request.id, request.error);
    else if (noRoom !== null) await calls.refuse(request.id, noRoom, request.kind);
    else started.push(calls.start(request, message.bytes.length));
  }
  void Promise.all(started).then(() => share.release());
}

/** What says that a credential is no good, rather than that it can't be examined. */
const REFUSALS: ReadonlySet<AiErrorCode> = new Set(["missing_credentials", "invalid_credentials"]);

function watchCredential(
  {
    authenticate,
    credentialCheckMs,
  }: Pick<ServeSocketOptions, "credentialCheckMs"> & {
    readonly authenticate: () => Promise<Principal>;
  },
  onRefused: (error: AiError) => void,
): NodeJS.Timeout {
  const check = async () => {
    try {
      await authenticate();
    } catch (thrown) {
      const error = toAiError(thrown);
      if (REFUSALS.has(error.code)) onRefused(error);
    }
  };
  return setInterval(() => void check(), credentialCheckMs);
}
