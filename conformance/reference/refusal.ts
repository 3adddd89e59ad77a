/** Every way in which the reference server says no, and the official envelope that it says it with. */

export type RefusalName =
  | "unauthenticated"
  | "capability_missing"
  | "bad_json"
  | "missing_parameter"
  | "invalid_type"
  | "invalid_value"
  | "context_length_exceeded"
  | "model_not_found"
  | "not_found"
  | "previous_response_not_found"
  | "item_not_found"
  | "route_not_found"
  | "method_not_allowed"
  | "upgrade_required"
  | "unsupported_media_type"
  | "body_too_large"
  | "rate_limited"
  | "overloaded"
  | "quota_exceeded"
  | "upstream_unreachable"
  | "upstream_failed";

export interface Refusal {
  readonly name: RefusalName;
  readonly status: number;
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
  readonly param: string | null;
  readonly headers: Readonly<Record<string, string>>;
}

const INVALID = "invalid_request_error";

const TABLE: Record<RefusalName, Omit<Refusal, "name" | "param">> = {
  unauthenticated: {
    status: 401,
    type: "authentication_error",
    code: "invalid_api_key",
    message: "No valid credential was sent. Send `Authorization: Bearer <token>`.",
    headers: { "www-authenticate": "Bearer" },
  },
  capability_missing: {
    status: 403,
    type: "permission_error",
    code: "capability_missing",
    message: "This credential does not grant the use of AI.",
    headers: {},
  },
  bad_json: refusalRow(400, "invalid_json", "The body is not a JSON object in UTF-8."),
  missing_parameter: refusalRow(400, "missing_required_parameter", "A required parameter is missing."),
  invalid_type: refusalRow(400, "invalid_type", "A parameter has the wrong type."),
  invalid_value: refusalRow(400, "invalid_value", "A parameter has a value that is not allowed."),
  context_length_exceeded: refusalRow(400, "context_length_exceeded", "The model reads fewer tokens than that."),
  model_not_found: refusalRow(404, "model_not_found", "The model does not exist."),
  not_found: refusalRow(404, "not_found", "Nothing is stored with this id."),
  previous_response_not_found: refusalRow(404, "previous_response_not_found", "The response does not exist."),
  item_not_found: refusalRow(404, "item_not_found", "The item does not exist."),
  route_not_found: refusalRow(404, "unknown_url", "This path does not exist."),
  method_not_allowed: refusalRow(405, "method_not_allowed", "This path does not answer that method."),
  upgrade_required: refusalRow(426, "upgrade_required", "Ask for an upgrade to WebSocket, version 13."),
  unsupported_media_type: refusalRow(415, "unsupported_media_type", "Send the body as application/json."),
  body_too_large: refusalRow(413, "body_too_large", "The body is larger than 3 MiB."),
  rate_limited: {
    status: 429,
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    message: "The account sends more requests in a minute than it may.",
    headers: {},
  },
  overloaded: {
    status: 429,
    type: "rate_limit_error",
    code: "rate_limit_exceeded",
    message: "The model answers as many calls as it can, and more wait.",
    headers: { "retry-after": "1" },
  },
  quota_exceeded: {
    status: 429,
    type: "insufficient_quota",
    code: "insufficient_quota",
    message: "The account has too little credit for this call.",
    headers: { "x-should-retry": "false" },
  },
  upstream_unreachable: {
    status: 503,
    type: "server_error",
    code: "upstream_unreachable",
    message: "The service behind this model does not answer.",
    headers: { "retry-after": "1" },
  },
  upstream_failed: {
    status: 502,
    type: "server_error",
    code: "upstream_failed",
    message: "The service behind this model failed.",
    headers: {},
  },
};

export function makeRefusal(
  name: RefusalName,
  options: { param?: string; headers?: Record<string, string>; message?: string } = {},
): Refusal {
  const row = TABLE[name];
  const { message = row.message, param = null, headers } = options;
  return { ...row, name, message, param, headers: { ...row.headers, ...headers } };
}

/** The official error body. */
export function encodeRefusal(refusal: Refusal): object {
  const { message, type, param, code } = refusal;
  return { error: { message, type, param, code } };
}

function refusalRow(status: number, code: string, message: string): Omit<Refusal, "name" | "param"> {
  return { status, type: INVALID, code, message, headers: {} };
}
