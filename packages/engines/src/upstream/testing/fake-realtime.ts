/** An upstream of realtime sessions for tests: a real WebSocket server on a free port, with scripted answers. */

import { createServer, type IncomingMessage } from "node:http";
import { onTestFinished } from "vitest";
import { type WebSocket, WebSocketServer } from "ws";
import { isRecord, type JsonRecord } from "../json-value.ts";

export interface FakeRealtime {
  readonly baseUrl: string;
  /** The requests for an upgrade. */
  readonly requests: readonly IncomingMessage[];
  /** Every event that came, of all sessions. */
  readonly received: readonly JsonRecord[];
  /** The sessions, in the order in which they were opened. */
  readonly sockets: readonly WebSocket[];
}

export interface FakeRealtimeScript {
  /** A complete HTTP answer in the place of the upgrade; null for none. */
  readonly refusal?: string | null;
  readonly onOpen?: (socket: WebSocket) => void;
  readonly onEvent?: (event: JsonRecord, socket: WebSocket) => void;
  /** Whether pings are answered. Default true. */
  readonly autoPong?: boolean;
}

export async function startRealtimeUpstream(script: FakeRealtimeScript = {}): Promise<FakeRealtime> {
  const { refusal = null, onOpen = () => {}, onEvent = () => {}, autoPong = true } = script;
  const requests: IncomingMessage[] = [];
  const received: JsonRecord[] = [];
  const sockets: WebSocket[] = [];
  const http = createServer();
  const wss = new WebSocketServer({ noServer: true, autoPong });
  http.on("upgrade", (request, connection, head) => {
    requests.push(request);
    connection.on("error", () => {});
    if (refusal !== null) return void connection.end(refusal);
    wss.handleUpgrade(request, connection, head, (socket) => {
      sockets.push(socket);
      socket.on("error", () => {});
      socket.on("message", (data) => {
        const event: unknown = JSON.parse(Buffer.isBuffer(data) ? data.toString("utf8") : "");
        if (!isRecord(event)) throw new Error("A frame was no object.");
        received.push(event);
        onEvent(event, socket);
      });
      onOpen(socket);
    });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.terminate();
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  });
  const address = http.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port.");
  return { baseUrl: `http://127.0.0.1:${address.port}/v1`, requests, received, sockets };
}

export function sendEvent(socket: WebSocket, event: JsonRecord): void {
  socket.send(JSON.stringify(event));
}

/** A refusal in full, as the upstream writes it. */
export function refuse(status: string, body: string, headers = ""): string {
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/json\r\n${headers}`;
  return `${head}content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`;
}
