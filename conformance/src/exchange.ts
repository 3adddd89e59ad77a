/**
 * One HTTP exchange as it was on the wire, recorded by the transport under the official SDK; and what follows an upgrade
 * to WebSocket.
 */

export interface RecordedRequest {
  readonly method: string;
  readonly url: string;
  /** Lower-case names. Credentials are redacted where an exchange leaves the process, not here. */
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes only where they are no UTF-8. */
  readonly body: string | Uint8Array | null;
  /** Of a request of HTTP/1.0, which has no Host header. Default 1.1. */
  readonly httpVersion?: "1.0";
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

/** A message of an upgraded connection, or a control frame. */
export interface RecordedMessage {
  readonly from: "client" | "server";
  /** Milliseconds since the request was sent. */
  readonly atMs: number;
  /** raw: bytes that are no whole frame. */
  readonly type: "text" | "binary" | "ping" | "pong" | "close" | "raw";
  /** The text; bytes in base64; `1000 reason` of a close. Cut where it is long. */
  readonly data: string;
}

export interface Exchange {
  readonly request: RecordedRequest;
  /** Null when no response arrived; then `transportError` says why. */
  readonly response: RecordedResponse | null;
  readonly transportError: string | null;
  /** In their order, after an upgrade; absent for a request that asked for none. */
  readonly messages?: readonly RecordedMessage[];
}
