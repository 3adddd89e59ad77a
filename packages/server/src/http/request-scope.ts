/** What the transport knows of one request and its handlers may use; everything else comes with the request itself. */

export interface RequestScope {
  readonly requestId: string;
  /** Aborted when the client leaves or the server stops; handlers abort it themselves when a stream is left. */
  readonly controller: AbortController;
  /** Asks a client that waits for `100 Continue` to send its body. Called just before the body is read. */
  readonly requestBody: () => void;
  /** Ends the connection of a client that has stopped reading. */
  readonly drop: () => void;
}
