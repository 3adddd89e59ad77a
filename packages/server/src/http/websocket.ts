/**
 * What a WebSocket is to the rest of the server, from its request to its end. Published declarations reach these types,
 * so they name none of the library.
 */

import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A request that asks for a WebSocket, with what came behind it. */
export interface WebSocketUpgrade {
  readonly incoming: IncomingMessage;
  readonly socket: Socket;
  readonly head: Buffer;
  /** For a refusal. */
  readonly outgoing: ServerResponse;
  /** Whether the connection is a WebSocket now: then there is nothing left to answer. */
  isAccepted: boolean;
}

export interface ReceivedMessage {
  readonly bytes: Buffer;
  readonly isBinary: boolean;
}

/**
 * Why a connection has ended. `client`: it closed or disconnected. `protocol`: what it sent is no valid WebSocket, or
 * too large. `overload`: there was no memory for its message.
 */
export type DisconnectCause = "client" | "server" | "protocol" | "overload" | "slow-reader" | "no-pong";

export interface Disconnect {
  readonly cause: DisconnectCause;
  /** Of RFC 6455, section 7.4; 1006 where no close frame came. */
  readonly code: number;
}

export interface WebSocketConnection {
  /** Once. Ends when the client has closed the connection, or it is lost, or `close` was called. */
  readonly messages: AsyncIterable<ReceivedMessage>;
  /** After the end of the connection it does nothing. */
  send(text: string): void;
  /**
   * A text, or the UTF-8 of one. Resolves when the network has taken it, or the connection has ended: who waits for that is never too fast for the
   * client.
   */
  sendInTurn(text: string | Uint8Array): Promise<void>;
  /** Lets what was sent go out first. Again, it does nothing. @param reason at most 123 bytes. */
  close(code: number, reason: string): void;
  /** Ends the connection at once. */
  terminate(): void;
  readonly closed: Promise<Disconnect>;
  /** Aborted when no more can be sent: closed by either side, or lost. */
  readonly signal: AbortSignal;
}
