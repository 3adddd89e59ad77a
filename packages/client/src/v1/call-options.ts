/** What can be said of one call beside its input. */

export interface CallOptions {
  /** Ends the call, also while it waits for its next attempt. */
  readonly signal?: AbortSignal;
  /** Sent in addition to the client's own. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: the client's. */
  readonly timeoutMs?: number;
  /** Whether input and answer are validated. Default: the client's. */
  readonly validate?: boolean;
  /** Fields that the server knows and the specification doesn't; sent in the body, unchecked. */
  readonly extraBody?: Readonly<Record<string, unknown>>;
}
