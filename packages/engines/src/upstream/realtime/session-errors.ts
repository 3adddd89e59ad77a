/**
 * The errors that an upstream sends in a session, without its secrets: what is the caller's own mistake keeps its form, in
 * redacted words, and what is the operator's is said as it is before a session.
 */

import { decodeUpstreamError, type UpstreamErrorContext } from "../decode-error.ts";
import { isRecord, type JsonRecord } from "../json-value.ts";

export interface SessionErrors {
  /** @returns whether the event was changed */
  redact(event: JsonRecord): boolean;
}

/** What is wrong is between us and the upstream: its key, its money. */
const OPERATORS =
  /^(?:insufficient_quota|invalid_api_key|authentication_error|permission_error|billing_[a-z_]+|account_[a-z_]+)$/;

export function createSessionErrors(context: UpstreamErrorContext): SessionErrors {
  const { redactor, modelId } = context;

  function redactIn(holder: JsonRecord): boolean {
    const { error } = holder;
    if (!isRecord(error)) return false;
    const { message, code, type } = error;
    if (OPERATORS.test(String(code)) || OPERATORS.test(String(type))) {
      const { message: words } = decodeUpstreamError({ status: 503, headers: {}, body: null }, context);
      holder["error"] = { ...error, type: "server_error", code: "upstream_unavailable", message: words, param: null };
      return true;
    }
    if (typeof message !== "string") return false;
    const words = redactor.redactForCaller(message, modelId);
    error["message"] = words;
    return words !== message;
  }

  return { redact: (event) => listHolders(event).map(redactIn).includes(true) };
}

/** What may have an error: the event itself, and the response that it is about. */
function listHolders(event: JsonRecord): readonly JsonRecord[] {
  const { response } = event;
  const details = isRecord(response) ? response["status_details"] : null;
  return isRecord(details) ? [event, details] : [event];
}
