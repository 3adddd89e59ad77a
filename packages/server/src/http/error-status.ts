/**
 * `AiError` to the status of an answer, for every surface. The table is total: a new code does not compile without a
 * row.
 */

import type { AiErrorCode } from "@openai-compat/core";

/** A client that disconnected gets no answer; the status is for the log alone (nginx's "client closed request"). */
export const CLIENT_CLOSED_REQUEST = 499;

export const ERROR_STATUSES: Readonly<Record<AiErrorCode, number>> = {
  missing_credentials: 401,
  invalid_credentials: 401,
  identity_unavailable: 503,
  capability_missing: 403,
  origin_not_allowed: 403,
  invalid_request: 400,
  missing_required_parameter: 400,
  invalid_type: 400,
  invalid_value: 400,
  unsupported_parameter: 400,
  unsupported_value: 400,
  context_length_exceeded: 400,
  model_not_found: 404,
  unknown_model: 400,
  previous_response_not_found: 404,
  not_found: 404,
  conflict: 409,
  route_not_found: 404,
  method_not_allowed: 405,
  request_timeout: 408,
  body_too_large: 413,
  unsupported_media_type: 415,
  upgrade_required: 426,
  quota_exceeded: 429,
  rate_limited: 429,
  billing_unavailable: 503,
  limits_unavailable: 503,
  store_unavailable: 503,
  call_timeout: 503,
  not_implemented: 501,
  wrong_model_type: 400,
  queue_full: 429,
  queue_timeout: 503,
  cancelled: CLIENT_CLOSED_REQUEST,
  subscription_lost: 410,
  engine_failed: 500,
  engine_unavailable: 503,
  upstream_failed: 500,
  upstream_unavailable: 503,
  upstream_timeout: 503,
  upstream_rate_limited: 429,
  shutting_down: 503,
  internal: 500,
};
