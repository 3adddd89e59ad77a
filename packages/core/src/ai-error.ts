/**
 * The one error type of the service: a code from a closed table, a message for the caller and, where one is to blame,
 * the request field. Which HTTP status, SSE event or close code a code becomes is decided by the surface that encodes
 * it, never here.
 */

/** Every way in which a call can fail. A surface maps each code to its wire format through a total `Record`. */
export const AI_ERROR_CODES = [
  "missing_credentials",
  "invalid_credentials",
  "identity_unavailable",
  "capability_missing",
  "origin_not_allowed",
  "invalid_request",
  "missing_required_parameter",
  "invalid_type",
  "invalid_value",
  "unsupported_parameter",
  "unsupported_value",
  "context_length_exceeded",
  "model_not_found",
  "unknown_model",
  "previous_response_not_found",
  "not_found",
  "conflict",
  "route_not_found",
  "method_not_allowed",
  "request_timeout",
  "body_too_large",
  "unsupported_media_type",
  "upgrade_required",
  "quota_exceeded",
  "rate_limited",
  "billing_unavailable",
  "limits_unavailable",
  "store_unavailable",
  "call_timeout",
  "wrong_model_type",
  "not_implemented",
  "queue_full",
  "queue_timeout",
  "cancelled",
  "subscription_lost",
  "engine_failed",
  "engine_unavailable",
  "upstream_failed",
  "upstream_unavailable",
  "upstream_timeout",
  "upstream_rate_limited",
  "shutting_down",
  "internal",
] as const;

export type AiErrorCode = (typeof AI_ERROR_CODES)[number];

export interface AiErrorOptions {
  /** The request field to blame, as a path into the body (`messages[0].content`); `null` when none is. */
  readonly param?: string | null;
  /** What was thrown below; kept for logs, never shown to the caller. */
  readonly cause?: unknown;
  /** How long a caller should wait before the next try, where that is known. */
  readonly retryAfterMs?: number;
}

/**
 * A failed call. `message` goes to the caller as it is: it says what failed, why, and what to do, and holds no secret,
 * no path and no stack.
 */
export class AiError extends Error {
  override readonly name = "AiError";
  readonly code: AiErrorCode;
  readonly param: string | null;
  readonly retryAfterMs: number | undefined;

  constructor(code: AiErrorCode, message: string, options: AiErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.param = options.param ?? null;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * The one normaliser: an `AiError` stays what it is, an aborted signal becomes `cancelled`, anything else becomes
 * `internal` with a message that discloses nothing internal to the caller.
 */
export function toAiError(thrown: unknown, signal?: AbortSignal): AiError {
  if (thrown instanceof AiError) return thrown;
  if (signal?.aborted === true) {
    if (signal.reason instanceof AiError) return signal.reason;
    return new AiError("cancelled", "The request was cancelled by the client.", { cause: thrown });
  }
  return new AiError("internal", "The server had an error while processing your request. Please try again.", {
    cause: thrown,
  });
}
