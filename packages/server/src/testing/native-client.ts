/** Clients of tRPC for tests: the libraries' own links, and the bare wire beside them. */

import { createTRPCClient, createWSClient, httpBatchLink, httpSubscriptionLink, splitLink, wsLink } from "@trpc/client";
import type { TRPCClient } from "@trpc/client";
import { EventSource } from "eventsource";
import { onTestFinished } from "vitest";
import { WebSocket } from "ws";
import type { NativeRouter } from "../surfaces/native/native-router.ts";

/** @returns the address of the native surface beside `/v1`. */
export function nativeUrl(baseUrl: string): string {
  return baseUrl.replace(/\/v1$/, "/trpc");
}

export type NativeClient = TRPCClient<NativeRouter>;

interface NativeSocketClient {
  readonly client: NativeClient;
  readonly socket: { close(): Promise<void> };
}

/** The WebSocket of the runtime, as in a page: its credential comes as the first message. */
export function openSocketClient(baseUrl: string, token: string): NativeSocketClient {
  const socket = createWSClient({
    url: nativeUrl(baseUrl).replace(/^http/, "ws"),
    connectionParams: { token },
    retryDelayMs: () => 20,
  });
  onTestFinished(() => socket.close());
  return { client: createTRPCClient<NativeRouter>({ links: [wsLink({ client: socket })] }), socket };
}

/** Batches over HTTP, and subscriptions as server-sent events. */
export function openEventClient(baseUrl: string, token: string): NativeClient {
  const url = nativeUrl(baseUrl);
  const authorization = `Bearer ${token}`;
  return createTRPCClient<NativeRouter>({
    links: [
      splitLink({
        condition: ({ type }) => type === "subscription",
        true: httpSubscriptionLink({
          url,
          EventSource,
          eventSourceOptions: {
            fetch: (address, init) => fetch(address, { ...init, headers: { ...init.headers, authorization } }),
          },
        }),
        false: httpBatchLink({ url, headers: { authorization } }),
      }),
    ],
  });
}

export interface RawSocket {
  readonly socket: WebSocket;
  readonly messages: readonly unknown[];
  /** Sends a message, or a text as it is. */
  send(message: unknown): void;
  /** Resolves with the first message that meets the condition, of those that have come and come. */
  until(condition: (message: unknown) => boolean): Promise<unknown>;
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
}

const WAIT_MS_MAX = 20_000;

/** Resolves when the connection is open. */
export async function openRawSocket(
  baseUrl: string,
  { token, query = "" }: { readonly token: string | null; readonly query?: string },
): Promise<RawSocket> {
  const headers = token === null ? {} : { authorization: `Bearer ${token}` };
  const socket = new WebSocket(`${nativeUrl(baseUrl).replace(/^http/, "ws")}${query}`, { headers });
  onTestFinished(() => socket.terminate());
  const messages: unknown[] = [];
  const watchers = new Set<() => void>();
  socket.on("message", (data) => {
    const text = Buffer.isBuffer(data) ? data.toString() : "";
    messages.push(text.startsWith("{") ? JSON.parse(text) : text);
    for (const watch of watchers) watch();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
  });
  await new Promise<void>((resolve, reject) => {
    socket.on("open", () => resolve());
    socket.on("error", reject);
  });
  return {
    socket,
    messages,
    send: (message) => socket.send(typeof message === "string" ? message : JSON.stringify(message)),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const fail = () => reject(new Error(`It did not come; what came: ${JSON.stringify(messages.slice(-10))}`));
        const timer = setTimeout(fail, WAIT_MS_MAX);
        const look = () => {
          const found = messages.find((message) => condition(message));
          if (found === undefined) return;
          clearTimeout(timer);
          watchers.delete(look);
          resolve(found);
        };
        watchers.add(look);
        look();
        socket.on("close", () => void setTimeout(fail, 0));
      }),
    closed,
  };
}
