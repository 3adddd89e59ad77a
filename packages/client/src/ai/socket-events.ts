/**
 * Subscriptions over a WebSocket, which all of a client's share. It is loaded by the first of them. A lost connection is
 * an error of each; opening another one is the business of whoever resumes them.
 */

import { jsonEncoder } from "@trpc/client";
import type { TRPCWebSocketClient } from "@trpc/client";
import { createWSClient } from "@trpc/client/links/wsLink/wsLink";
import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { watchCall } from "../http/call-watch.ts";
import { findToken } from "../http/credential.ts";
import { callWithRetries } from "../http/retry.ts";
import type { Attempt } from "../http/retry.ts";
import { EventQueue } from "./event-queue.ts";
import { createInvalidError, decodeNativeError, isNativeErrorShape, mapNativeError } from "./map-native-error.ts";
import type { Connect, Connection, SubscriptionEvent } from "./resume-events.ts";

/** How long a connection stays open without a subscription, in milliseconds. */
const IDLE_MS = 1000;
/** After how much silence the server is asked for a sign of life, and how long it may take to give one. */
const KEEP_ALIVE = { enabled: true, intervalMs: 15_000, pongTimeoutMs: 10_000 } as const;

/** The types of the links; nothing of it is sent. */
const PLAIN = { serialize: (value: unknown) => value, deserialize: (value: unknown) => value };
const TRANSFORMER = { input: PLAIN, output: PLAIN };

interface OpenSocket {
  readonly client: TRPCWebSocketClient;
  /** Why the server refused the connection; null where it did not. */
  readonly findRefusal: () => ClientError | null;
}

/** @param settings whose base URL is that of the native surface */
export function createSocketConnection(settings: ClientSettings): Connect {
  let current: Promise<OpenSocket> | null = null;

  const start = async (connection: Connection, attempt: Attempt) => {
    if (attempt.isRefused) current = null;
    const opening = (current ??= openSocket(settings, attempt, connection.signal));
    const forget = () => {
      if (current === opening) current = null;
    };
    const socket = await opening.catch((thrown: unknown) => {
      forget();
      throw thrown;
    });
    const events = listen(socket, connection, () => {
      forget();
      void socket.client.close();
    });
    await events.opened(connection.acceptMsMax ?? settings.timeoutMs);
    return events;
  };

  return async function* connect(connection) {
    const attempts = connection.acceptMsMax === null ? settings.retry.attempts : 1;
    const retry = { ...settings.retry, attempts };
    const events = await callWithRetries({ ...settings, retry }, connection.signal, async (attempt) =>
      start(connection, attempt),
    );
    try {
      yield* events.read();
    } finally {
      events.close();
    }
  };
}

async function openSocket(settings: ClientSettings, attempt: Attempt, signal: AbortSignal | null): Promise<OpenSocket> {
  const watch = watchCall(signal, settings.timeoutMs);
  const token = await findToken(settings, attempt, watch).finally(() => watch.close());
  const WebSocketClass = await findWebSocket();
  let refusal: ClientError | null = null;
  const client = createWSClient({
    url: settings.baseURL.replace(/^http/, "ws"),
    lazy: { enabled: true, closeMs: IDLE_MS },
    keepAlive: KEEP_ALIVE,
    ...(WebSocketClass === null ? {} : { WebSocket: WebSocketClass }),
    // As the first message: a browser can send no header with a WebSocket.
    ...(token === null ? {} : { connectionParams: { token } }),
    experimental_encoder: {
      ...jsonEncoder,
      decode(data) {
        const message: unknown = jsonEncoder.decode(data);
        refusal ??= readRefusal(message);
        return message;
      },
    },
  });
  return { client, findRefusal: () => refusal };
}

/** An error that belongs to no request is about the connection. */
function readRefusal(message: unknown): ClientError | null {
  if (typeof message !== "object" || message === null || !("id" in message) || !("error" in message)) return null;
  return message.id === null && isNativeErrorShape(message.error) ? decodeNativeError(message.error) : null;
}

/** Node.js has one of its own only from version 22 on. @returns null where the platform's own is used */
async function findWebSocket(): Promise<typeof WebSocket | null> {
  if (typeof globalThis.WebSocket === "function") return null;
  const module = await import("ws");
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made to be used in its place
  return module.WebSocket as unknown as typeof WebSocket;
}

/** Sends a subscription and queues what comes. @param onLoss is called when the connection is lost */
function listen(
  { client, findRefusal }: OpenSocket,
  connection: Connection,
  onLoss: () => void,
): EventQueue<SubscriptionEvent> {
  const queue = new EventQueue<SubscriptionEvent>(connection.signal, () => {
    request.unsubscribe();
    states.unsubscribe();
  });
  const lose = (reason: string) => {
    if (queue.isOver) return;
    queue.fail(findRefusal() ?? createLoss(reason));
    onLoss();
  };
  const { path, input, lastEventId } = connection;
  const request = client
    .request({
      op: { id: 0, type: "subscription", path, input, signal: null },
      transformer: TRANSFORMER,
      ...(lastEventId === null ? {} : { lastEventId }),
    })
    .subscribe({
      next({ result }) {
        if (result.type === "started") queue.open();
        else if (result.type === "stopped") queue.end();
        else if (result.type === "data" || result.type === undefined) queue.push(decodeData(result));
      },
      // What the server has said about the connection explains what became of its requests.
      error: (thrown) => queue.fail(findRefusal() ?? mapNativeError(thrown)),
      // Without `stopped` before it: the connection was closed.
      complete: () => lose("it was closed"),
    });
  const states = client.connectionState.subscribe({
    next({ state, error }) {
      if (state === "connecting" && error !== null) lose(error.message);
    },
  });
  return queue;
}

function decodeData(result: { readonly data: unknown; readonly id?: unknown }): SubscriptionEvent {
  const { id, data } = result;
  if (typeof id !== "string") return { id: null, data };
  if (typeof data !== "object" || data === null || !("data" in data)) throw createInvalidError("an event has no data");
  return { id, data: data.data };
}

function createLoss(reason: string): ClientError {
  return new ClientError({ kind: "connection", message: `The WebSocket was lost: ${reason}.`, retryable: true });
}
