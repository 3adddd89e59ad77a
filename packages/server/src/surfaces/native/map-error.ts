/**
 * An `AiError` to tRPC's error. The table is total: a new code does not compile without a row. Status, type and wire
 * code are those of `/v1`.
 */

import { AiError, toAiError } from "@openai-compat/core";
import type { AiErrorCode } from "@openai-compat/core";
import { TRPCError } from "@trpc/server";
import { TRPC_ERROR_CODES_BY_KEY } from "@trpc/server/rpc";
import type { TRPC_ERROR_CODE_KEY } from "@trpc/server/rpc";
import { ERROR_STATUSES } from "../../http/error-status.ts";
import { encodeErrorCode, readRetryAdvice } from "../openai/protocol/encode-error.ts";
import type { NativeErrorShape } from "./native-router.ts";

const TRPC_CODES: Readonly<Record<AiErrorCode, TRPC_ERROR_CODE_KEY>> = {
  missing_credentials: "UNAUTHORIZED",
  invalid_credentials: "UNAUTHORIZED",
  identity_unavailable: "SERVICE_UNAVAILABLE",
  capability_missing: "FORBIDDEN",
  origin_not_allowed: "FORBIDDEN",
  invalid_request: "BAD_REQUEST",
  missing_required_parameter: "BAD_REQUEST",
  invalid_type: "BAD_REQUEST",
  invalid_value: "BAD_REQUEST",
  unsupported_parameter: "BAD_REQUEST",
  unsupported_value: "BAD_REQUEST",
  context_length_exceeded: "BAD_REQUEST",
  conflict: "CONFLICT",
  model_not_found: "NOT_FOUND",
  unknown_model: "BAD_REQUEST",
  previous_response_not_found: "NOT_FOUND",
  not_found: "NOT_FOUND",
  route_not_found: "NOT_FOUND",
  method_not_allowed: "METHOD_NOT_SUPPORTED",
  request_timeout: "TIMEOUT",
  body_too_large: "PAYLOAD_TOO_LARGE",
  unsupported_media_type: "UNSUPPORTED_MEDIA_TYPE",
  upgrade_required: "PRECONDITION_REQUIRED",
  quota_exceeded: "TOO_MANY_REQUESTS",
  rate_limited: "TOO_MANY_REQUESTS",
  billing_unavailable: "SERVICE_UNAVAILABLE",
  limits_unavailable: "SERVICE_UNAVAILABLE",
  store_unavailable: "SERVICE_UNAVAILABLE",
  call_timeout: "SERVICE_UNAVAILABLE",
  not_implemented: "NOT_IMPLEMENTED",
  wrong_model_type: "BAD_REQUEST",
  queue_full: "TOO_MANY_REQUESTS",
  queue_timeout: "SERVICE_UNAVAILABLE",
  cancelled: "CLIENT_CLOSED_REQUEST",
  subscription_lost: "CONFLICT",
  engine_failed: "INTERNAL_SERVER_ERROR",
  engine_unavailable: "SERVICE_UNAVAILABLE",
  upstream_failed: "INTERNAL_SERVER_ERROR",
  upstream_unavailable: "SERVICE_UNAVAILABLE",
  upstream_timeout: "SERVICE_UNAVAILABLE",
  upstream_rate_limited: "TOO_MANY_REQUESTS",
  shutting_down: "SERVICE_UNAVAILABLE",
  internal: "INTERNAL_SERVER_ERROR",
};

/** What tRPC itself refuses, before a procedure is called. It gives no other code by itself. */
const REFUSED_BY_TRPC: Readonly<Partial<Record<TRPC_ERROR_CODE_KEY, AiErrorCode>>> = {
  PARSE_ERROR: "invalid_request",
  BAD_REQUEST: "invalid_request",
  NOT_FOUND: "route_not_found",
  METHOD_NOT_SUPPORTED: "method_not_allowed",
  UNSUPPORTED_MEDIA_TYPE: "unsupported_media_type",
};

const MESSAGE_LENGTH_MAX = 300;

/** The failure of a call, whether a handler or tRPC threw it. @param signal the call's */
export function decodeTrpcError(thrown: unknown, signal?: AbortSignal): AiError {
  if (!(thrown instanceof TRPCError)) return toAiError(thrown, signal);
  if (thrown.cause instanceof AiError) return thrown.cause;
  const code = REFUSED_BY_TRPC[thrown.code];
  if (code === undefined) return toAiError(thrown.cause ?? thrown, signal);
  return new AiError(code, thrown.message.slice(0, MESSAGE_LENGTH_MAX), { cause: thrown });
}

export interface ErrorPlace {
  readonly requestId: string | null;
  /** The procedure, as the client called it. */
  readonly path: string | null;
  /**
   * Whether a subscription failed. Clients of tRPC begin one again by themselves when its error has the number of a
   * failed server: that would make, and charge, its work again. So only a server that stops has such a number.
   */
  readonly isSubscription: boolean;
}

const PATH_LENGTH_MAX = 100;

export function encodeNativeError(error: AiError, { requestId, path, isSubscription }: ErrorPlace): NativeErrorShape {
  const key = isSubscription && isBegunAgain(error.code) ? "UNPROCESSABLE_CONTENT" : TRPC_CODES[error.code];
  const { shouldRetry } = readRetryAdvice(error.code);
  return {
    message: error.message,
    code: TRPC_ERROR_CODES_BY_KEY[key],
    data: {
      ...encodeErrorCode(error.code),
      param: error.param,
      requestId,
      httpStatus: ERROR_STATUSES[error.code],
      path: path?.slice(0, PATH_LENGTH_MAX) ?? null,
      ...(shouldRetry === undefined ? {} : { shouldRetry }),
      ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    },
  };
}

function isBegunAgain(code: AiErrorCode): boolean {
  const isServers = TRPC_ERROR_CODES_BY_KEY[TRPC_CODES[code]] === TRPC_ERROR_CODES_BY_KEY.INTERNAL_SERVER_ERROR;
  return isServers && code !== "shutting_down";
}
