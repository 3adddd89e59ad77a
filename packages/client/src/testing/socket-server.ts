/** A server of the native surface whose WebSockets a test writes message by message. */

import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { createClient } from "../index.ts";
import type { ClientOptions } from "../index.ts";

export interface SocketArrival {
  readonly method: string;
  readonly path: string | null;
  readonly lastEventId: string | null;
  /** Counts the connections from 0. */
  readonly connection: number;
  started(): void;
  /** Sends tracked events with the ids `run:<number>`. */
  send(numbers: readonly number[]): void;
  stopped(): void;
  fail(error: unknown): void;
  /** Breaks the connection. */
  drop(): void;
}

function readText(value: unknown, name: string): string | null {
  const found: unknown = typeof value === "object" && value !== null ? Reflect.get(value, name) : null;
  return typeof found === "string" ? found : null;
}

function toArrival(socket: WebSocket, message: object, connection: number): SocketArrival {
  const id: unknown = Reflect.get(message, "id");
  const params: unknown = Reflect.get(message, "params");
  const answer = (body: object) => socket.send(JSON.stringify({ id, ...body }));
  return {
    method: readText(message, "method") ?? "",
    path: readText(params, "path"),
    lastEventId: readText(params, "lastEventId"),
    connection,
    started: () => answer({ result: { type: "started" } }),
    send(numbers) {
      for (const number of numbers) {
        const data = { type: "text-delta", text: String(number) };
        answer({ result: { type: "data", id: `run:${number}`, data: { id: `run:${number}`, data } } });
      }
    },
    stopped: () => answer({ result: { type: "stopped" } }),
    fail: (error) => answer({ error }),
    drop: () => socket.terminate(),
  };
}

/** @param handle is called for each request of a client */
export async function startSocketServer(
  handle: (arrival: SocketArrival) => void,
  options: Partial<ClientOptions> = {},
) {
  const arrivals: SocketArrival[] = [];
  let connections = 0;
  const server = new WebSocketServer({ host: "127.0.0.1", port: 0 });
  server.on("connection", (socket) => {
    const connection = connections;
    connections += 1;
    socket.on("message", (data: Buffer) => {
      const message: unknown = JSON.parse(data.toString());
      for (const request of Array.isArray(message) ? message : [message]) {
        const arrival = toArrival(socket, Object(request), connection);
        arrivals.push(arrival);
        handle(arrival);
      }
    });
  });
  await new Promise<void>((resolve) => void server.once("listening", resolve));
  onTestFinished(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on a port
  const { port } = server.address() as AddressInfo;
  const client = createClient({ baseURL: `http://127.0.0.1:${port}/v1`, subscriptions: "websocket", ...options });
  return { arrivals, client };
}
