/** One HTTP exchange as it was on the wire, recorded by the transport under the official SDK. */

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. Credentials are redacted where an exchange leaves the process, not here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes only where they are no UTF-8. */
  readonly body: string | Uint8Array | null;
}

export interface RecordedChunk {
  /** Milliseconds since the request was sent. */
  readonly atMs: number;
  readonly bytes: Uint8Array;
}

/** clean: the body ended as HTTP says. cut: the connection broke. aborted: we left. open: still running when judged. */
export type BodyEnd = "clean" | "cut" | "aborted" | "open";

export interface RecordedResponse {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly headersAtMs: number;
  /** In arrival order; empty for an empty body. */
  readonly chunks: readonly RecordedChunk[];
  readonly end: BodyEnd;
  readonly endAtMs: number;
  /** True when recording stopped at the byte limit. */
  readonly truncated: boolean;
}

export interface Exchange {
  readonly request: RecordedRequest;
  /** Null when no response arrived; then `transportError` says why. */
  readonly response: RecordedResponse | null;
  readonly transportError: string | null;
}
