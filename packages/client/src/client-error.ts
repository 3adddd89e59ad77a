/** The one error that the client throws. It holds no credential. */

/**
 * What failed:
 *
 * - `api`: the server answered with an error, as a status or in a stream.
 * - `connection`: no answer came, or it broke off.
 * - `timeout`: the server was silent for longer than `timeoutMs`.
 * - `aborted`: the caller's signal, or `abort()` of a stream.
 * - `invalid-response`: what came does not have the shape of the specification.
 * - `invalid-request`: the input was refused before it was sent.
 */
export type ClientErrorKind = "api" | "connection" | "timeout" | "aborted" | "invalid-response" | "invalid-request";

/** What a `ClientError` is made of; what is left out is null or false. */
export interface ClientErrorDetails {
  readonly kind: ClientErrorKind;
  readonly message: string;
  /** Default: the kind with underscores. */
  readonly code?: string | null;
  readonly status?: number | null;
  readonly type?: string | null;
  readonly param?: string | null;
  readonly requestId?: string | null;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | null;
  readonly cause?: unknown;
}

/** The one error that the client throws. Its message and its fields hold no credential. */
export class ClientError extends Error {
  override readonly name = "ClientError";
  readonly kind: ClientErrorKind;
  /** Of the answer; null where none came. In a broken stream it is that of the answer's head, usually 200. */
  readonly status: number | null;
  /**
   * Of the server's envelope, such as `model_not_found`; null where it has none. Of the client's own errors:
   * `connection`, `timeout`, `aborted`, `invalid_response`, `invalid_request`, or a closer one, such as
   * `stream_truncated`.
   */
  readonly code: string | null;
  /** Of the server's envelope, such as `invalid_request_error`. */
  readonly type: string | null;
  /** The field to blame, as a path such as `messages[0].content`. */
  readonly param: string | null;
  /** `x-request-id` of the answer. */
  readonly requestId: string | null;
  /** Whether the same call may succeed later. The client has then already tried as often as `retry` allows. */
  readonly retryable: boolean;
  /** How long the server asks to wait, in milliseconds. */
  readonly retryAfterMs: number | null;

  constructor(details: ClientErrorDetails) {
    super(details.message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = details.kind;
    this.status = details.status ?? null;
    this.code = details.code === undefined ? codeOf(details.kind) : details.code;
    this.type = details.type ?? null;
    this.param = details.param ?? null;
    this.requestId = details.requestId ?? null;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs ?? null;
  }
}

function codeOf(kind: ClientErrorKind): string | null {
  return kind === "api" ? null : kind.replaceAll("-", "_");
}
