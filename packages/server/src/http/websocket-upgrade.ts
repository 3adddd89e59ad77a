/**
 * Takes a connection over from HTTP. Until a surface accepts it, its request is answered like any other, by a whole HTTP
 * answer, and then the connection is closed: what follows on it belongs to no request.
 */

import { ServerResponse } from "node:http";
import type { IncomingMessage } from "node:http";
import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { AiError } from "@openai-compat/core";
import { WebSocketServer } from "ws";
import type { WebSocket } from "ws";
import { closeSoon } from "./close-soon.ts";
import type { WebSocketUpgrade } from "./websocket.ts";

/** @param socket has a listener for its errors. */
export function beginUpgrade(incoming: IncomingMessage, socket: Duplex, head: Buffer): WebSocketUpgrade {
  if (!(socket instanceof Socket)) throw new TypeError("A connection of an HTTP server is a socket.");
  const outgoing = new ServerResponse(incoming);
  outgoing.shouldKeepAlive = false;
  outgoing.assignSocket(socket);
  outgoing.once("finish", () => closeSoon(socket));
  return { incoming, socket, head, outgoing, isAccepted: false };
}

export interface WebSocketAcceptorOptions {
  /** Largest message, in bytes; a larger one closes the connection with code 1009. */
  readonly messageBytesMax: number;
  /** Which of the offered subprotocols is spoken. */
  readonly subprotocol: string;
}

/**
 * @param headers more headers of the answer.
 * @throws AiError `cancelled` when the client has disconnected
 */
export type AcceptWebSocket = (upgrade: WebSocketUpgrade, headers: Readonly<Record<string, string>>) => WebSocket;

export function createWebSocketAcceptor({ messageBytesMax, subprotocol }: WebSocketAcceptorOptions): AcceptWebSocket {
  const acceptor = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: messageBytesMax,
    handleProtocols: (offered) => offered.has(subprotocol) && subprotocol,
  });
  const headersOf = new WeakMap<IncomingMessage, Readonly<Record<string, string>>>();
  acceptor.on("headers", (lines, incoming) => {
    for (const [name, value] of Object.entries(headersOf.get(incoming) ?? {})) lines.push(`${name}: ${value}`);
  });
  return (upgrade, headers) => {
    const { incoming, socket, head, outgoing } = upgrade;
    headersOf.set(incoming, headers);
    let accepted: WebSocket | null = null;
    if (socket.readable && socket.writable && !socket.destroyed) {
      outgoing.detachSocket(socket);
      acceptor.handleUpgrade(incoming, socket, head, (webSocket) => (accepted = webSocket));
    }
    // The library calls back at once or, where the client has disconnected, never.
    if (accepted === null) {
      socket.destroy();
      throw new AiError("cancelled", "The client disconnected before its WebSocket was open.");
    }
    upgrade.isAccepted = true;
    return accepted;
  };
}
