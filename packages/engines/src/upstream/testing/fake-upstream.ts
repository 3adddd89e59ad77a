/** Upstreams for tests: real servers on a free port, one over HTTP, one that writes arbitrary bytes. */

import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type Server, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";

export interface FakeUpstream {
  readonly baseUrl: string;
  readonly port: number;
  /** Connections so far. */
  connections(): number;
  /** Open connections. */
  openConnections(): number;
}

/** @returns a base URL at which nothing listens */
export async function findDeadUrl(): Promise<string> {
  const server = createTcpServer();
  const { baseUrl } = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return baseUrl;
}

/** @param handle gets the request and its whole body */
export async function startUpstream(
  handle: (response: ServerResponse, request: IncomingMessage, body: string) => void | Promise<void>,
): Promise<FakeUpstream> {
  return listen(
    createHttpServer((request, response) => {
      void text(request).then(async (body) => handle(response, request, body));
    }),
  );
}

/** @param handle gets the connection when the head of a request has come */
export async function startRawUpstream(handle: (socket: Socket) => void): Promise<FakeUpstream> {
  return listen(
    createTcpServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => handle(socket));
    }),
  );
}

async function listen(server: Server): Promise<FakeUpstream> {
  const sockets = new Set<Socket>();
  let connections = 0;
  server.on("connection", (socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The server listens on no port.");
  const { port } = address;
  return {
    baseUrl: `http://127.0.0.1:${port}/v1`,
    port,
    connections: () => connections,
    openConnections: () => sockets.size,
  };
}
