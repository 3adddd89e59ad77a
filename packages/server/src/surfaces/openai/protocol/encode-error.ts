/**
 * `AiError` to OpenAI's error envelope. The table is total: a new code does not compile until it has a type and a wire
 * code here. Its status is said in `http/error-status.ts`, for every surface alike.
 */

import type { AiError, AiErrorCode } from "@openai-compat/core";
import { ERROR_STATUSES } from "../../../http/error-status.ts";
import { WEBSOCKET_VERSION } from "../../../http/websocket-handshake.ts";

interface ErrorForm {
  /** OpenAI's spelling; clients compare it as text. */
  readonly type: "invalid_request_error" | "rate_limit_error" | "insufficient_quota" | "server_error";
  /** `error.code` on the wire. */
  readonly code: string;
  /**
   * Sent as `x-should-retry` where the SDKs' own rule (retry 408, 409, 429 and every 5xx) would be wrong.
   * @see https://github.com/openai/openai-node/blob/master/src/client.ts (`shouldRetry`)
   */
  readonly shouldRetry?: boolean;
  /** Whether the connection is closed with the answer, because the rest of the request was not read. */
  readonly closes?: true;
}

const ERROR_FORMS: Readonly<Record<AiErrorCode, ErrorForm>> = {
  missing_credentials: { type: "invalid_request_error", code: "invalid_api_key" },
  invalid_credentials: { type: "invalid_request_error", code: "invalid_api_key" },
  identity_unavailable: { type: "server_error", code: "identity_unavailable" },
  capability_missing: { type: "invalid_request_error", code: "insufficient_permissions" },
  origin_not_allowed: { type: "invalid_request_error", code: "origin_not_allowed" },
  invalid_request: { type: "invalid_request_error", code: "invalid_request" },
  missing_required_parameter: { type: "invalid_request_error", code: "missing_required_parameter" },
  invalid_type: { type: "invalid_request_error", code: "invalid_type" },
  invalid_value: { type: "invalid_request_error", code: "invalid_value" },
  unsupported_parameter: { type: "invalid_request_error", code: "unsupported_parameter" },
  unsupported_value: { type: "invalid_request_error", code: "unsupported_value" },
  context_length_exceeded: { type: "invalid_request_error", code: "context_length_exceeded" },
  model_not_found: { type: "invalid_request_error", code: "model_not_found" },
  unknown_model: { type: "invalid_request_error", code: "model_not_found" },
  previous_response_not_found: { type: "invalid_request_error", code: "previous_response_not_found" },
  conflict: { type: "invalid_request_error", code: "conflict", shouldRetry: false },
  not_found: { type: "invalid_request_error", code: "not_found" },
  route_not_found: { type: "invalid_request_error", code: "unknown_url", shouldRetry: false },
  method_not_allowed: { type: "invalid_request_error", code: "method_not_supported" },
  request_timeout: { type: "invalid_request_error", code: "request_timeout", closes: true },
  body_too_large: { type: "invalid_request_error", code: "request_too_large", closes: true },
  unsupported_media_type: { type: "invalid_request_error", code: "unsupported_media_type" },
  upgrade_required: { type: "invalid_request_error", code: "upgrade_required" },
  quota_exceeded: { type: "insufficient_quota", code: "insufficient_quota", shouldRetry: false },
  rate_limited: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  billing_unavailable: { type: "server_error", code: "billing_unavailable" },
  limits_unavailable: { type: "server_error", code: "limits_unavailable" },
  store_unavailable: { type: "server_error", code: "store_unavailable" },
  call_timeout: { type: "server_error", code: "call_timeout", shouldRetry: false },
  not_implemented: { type: "server_error", code: "not_implemented", shouldRetry: false },
  wrong_model_type: { type: "invalid_request_error", code: "wrong_model_type" },
  queue_full: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  queue_timeout: { type: "server_error", code: "server_overloaded" },
  cancelled: {
    type: "invalid_request_error",
    code: "request_cancelled",
    shouldRetry: false,
  },
  subscription_lost: { type: "invalid_request_error", code: "subscription_lost", shouldRetry: false },
  engine_failed: { type: "server_error", code: "engine_failed" },
  engine_unavailable: { type: "server_error", code: "engine_unavailable", shouldRetry: false },
  upstream_failed: { type: "server_error", code: "upstream_failed" },
  upstream_unavailable: { type: "server_error", code: "upstream_unavailable" },
  upstream_timeout: { type: "server_error", code: "upstream_timeout", shouldRetry: false },
  upstream_rate_limited: { type: "rate_limit_error", code: "rate_limit_exceeded" },
  shutting_down: { type: "server_error", code: "server_shutting_down" },
  internal: { type: "server_error", code: "internal_error" },
};

export interface ErrorEnvelope {
  readonly error: {
    readonly message: string;
    readonly type: string;
    readonly param: string | null;
    readonly code: string;
  };
}

/** How a code is named on the wire, wherever that is. */
export function encodeErrorCode(code: AiErrorCode): { readonly type: string; readonly code: string } {
  const { type, code: name } = ERROR_FORMS[code];
  return { type, code: name };
}

/** Whether a client should try again, where the rule of the status would be wrong; absent where it is right. */
export function readRetryAdvice(code: AiErrorCode): Pick<ErrorForm, "shouldRetry"> {
  const { shouldRetry } = ERROR_FORMS[code];
  return shouldRetry === undefined ? {} : { shouldRetry };
}

/** The body, and the one event of a stream that fails after it began. */
export function encodeErrorEnvelope(error: AiError): ErrorEnvelope {
  const { type, code } = encodeErrorCode(error.code);
  return { error: { message: error.message, type, param: error.param, code } };
}

/** The SDKs ignore a longer wait and come back at once, so a longer one is never sent. */
const RETRY_AFTER_SECONDS_MAX = 60;

/**
 * What a 401 asks for. It says that a token is wrong only where one was sent, and never what is wrong with it.
 *
 * @see https://www.rfc-editor.org/rfc/rfc6750#section-3
 */
function encodeChallenge(code: AiErrorCode): string {
  const challenge = 'Bearer realm="openai-compat"';
  return code === "missing_credentials" ? challenge : `${challenge}, error="invalid_token"`;
}

/** The headers that belong to the error itself; those of every answer are added later. */
export function encodeErrorHeaders(error: AiError): Record<string, string> {
  const { shouldRetry, closes } = ERROR_FORMS[error.code];
  const headers: Record<string, string> = { "content-type": "application/json" };
  if (ERROR_STATUSES[error.code] === 401) headers["www-authenticate"] = encodeChallenge(error.code);
  // RFC 9110, section 15.5.22, and RFC 6455, section 4.4: what the client has to speak.
  if (error.code === "upgrade_required") {
    headers["upgrade"] = "websocket";
    headers["sec-websocket-version"] = WEBSOCKET_VERSION;
  }
  if (shouldRetry !== undefined) headers["x-should-retry"] = String(shouldRetry);
  if (closes) headers["connection"] = "close";
  if (error.retryAfterMs !== undefined) {
    const seconds = Math.ceil(error.retryAfterMs / 1000);
    headers["retry-after"] = String(Math.min(Math.max(seconds, 1), RETRY_AFTER_SECONDS_MAX));
  }
  return headers;
}

/** A whole answer. @param headers more headers, `Allow` for one. */
export function encodeError(error: AiError, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(encodeErrorEnvelope(error)), {
    status: ERROR_STATUSES[error.code],
    headers: { ...encodeErrorHeaders(error), ...headers },
  });
}
