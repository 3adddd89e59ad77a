/** What the transport knows of one request and its handlers may use; everything else comes with the request itself. */

import type { BodySource } from "./body-source.ts";
import type { RequestHeaders } from "./headers.ts";
import type { WebSocketUpgrade } from "./websocket.ts";

export type SetHeader = (name: string, value: string) => void;

export interface RequestScope {
  readonly requestId: string;
  /**
   * Of the call that the request carries, if it carries one. Unlike the request's id it is ours and never comes twice.
   */
  readonly callId: string;
  /** Of the request; reading them here is cheaper than from the request. */
  readonly headers: RequestHeaders;
  /** The other end of the socket; null when there is none. */
  readonly peerAddress: string | null;
  /** What the calls that this request causes are to be traced under (`traceparent`); null for nothing. */
  readonly traceParent: string | null;
  readonly facts: RequestFacts;
  /** Aborted when the client disconnects or the server stops; handlers abort it themselves for a client that stalls. */
  readonly controller: AbortController;
  /** Its body as it comes from the socket; null when there is none, and the request has its own. */
  readonly body: BodySource | null;
  /** The connection that the request wants to be a WebSocket; null where it does not. */
  readonly upgrade: WebSocketUpgrade | null;
  /** Asks a client that waits for `100 Continue` to send its body. Called just before the body is read. */
  readonly requestBody: () => void;
  /** Headers that the answer gets whatever it says, a refusal too; handlers add to them. */
  readonly answerHeaders: Record<string, string>;
  /**
   * Sets a header of the answer on the socket, before its head is written; null when there is no socket. The answer's
   * own `Headers` would take as long for ten of them as the rest of a short answer.
   */
  readonly setHeader: SetHeader | null;
  /**
   * Calls the listener once, when the answer is complete or its client has disconnected; null when there is no socket.
   */
  readonly afterAnswer: ((listener: () => void) => void) | null;
  /** Ends the connection of a client that has stopped reading. */
  readonly drop: () => void;
}

/** What becomes known on the way, for logs and metrics; each is null until it is. */
export interface RequestFacts {
  operationId: string | null;
  accountId: string | null;
  /** Of a stream: whether it is to carry its usage. Null for no stream. */
  isUsageRequested: boolean | null;
}
