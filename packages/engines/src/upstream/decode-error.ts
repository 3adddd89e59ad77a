/**
 * Maps an upstream's error to the caller's: the caller's own mistake is passed on in redacted words; a key, a quota, a
 * model name or an address that is wrong is the operator's mistake, and the caller gets only that the call failed.
 */

import { AiError, type AiErrorCode, type ModelRequestId } from "@openai-compat/core";
import type { MessageRedactor } from "./message-redactor.ts";
import { decodeErrorBody, type UpstreamErrorBody } from "./decode-error-body.ts";
import { decodeRetryAfter } from "./retry-after.ts";

export interface UpstreamErrorAnswer {
  /** Of HTTP. Null for an error inside an answer with status 200: then it is derived from the error. */
  readonly status: number | null;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The body, or the data of the event; null when it could not be read. */
  readonly body: string | null;
}

export interface UpstreamErrorContext {
  readonly redactor: MessageRedactor;
  /** What was asked for; null for a session. */
  readonly operation: ModelRequestId | null;
  /** The model's id here. */
  readonly modelId: string;
  /**
   * Whether the caller itself requested usage in the stream; if not, an upstream's refusal of it is not the caller's
   * mistake.
   */
  readonly includeUsage: boolean;
}

/** Codes of OpenAI's that ours are named after, and two of llama.cpp and vLLM. */
const CALLER_CODES: Readonly<Record<string, AiErrorCode>> = {
  missing_required_parameter: "missing_required_parameter",
  invalid_type: "invalid_type",
  invalid_value: "invalid_value",
  unsupported_parameter: "unsupported_parameter",
  unsupported_value: "unsupported_value",
  context_length_exceeded: "context_length_exceeded",
  exceed_context_size_error: "context_length_exceeded",
};

/** vLLM and others say so in the message only. */
const CONTEXT_LENGTH_WORDS =
  /maximum context length|exceeds? the (?:available |model's )?context (?:size|window|length)|model's context length|prompt is too long/i;

export function decodeUpstreamError(answer: UpstreamErrorAnswer, context: UpstreamErrorContext): AiError {
  const error = decodeErrorBody(answer.body ?? "");
  const status = answer.status ?? impliedStatus(error);
  if (isCallersMistake(status, error, context)) return toCallersMistake(status, error, context);
  const cause = new Error(describe(status, error, context));
  if (status === 429 && error?.code !== "insufficient_quota" && error?.type !== "insufficient_quota") {
    const message = "The model is asked too often at the moment. Please try again later.";
    return new AiError("upstream_rate_limited", message, { cause, ...readWait(answer) });
  }
  if ([402, 429, 502, 503, 529].includes(status)) {
    const message = "The model is not available at the moment. Please try again later.";
    return new AiError("upstream_unavailable", message, { cause, ...readWait(answer) });
  }
  if (status === 501 || isMissingRoute(status, error, context)) {
    return new AiError("not_implemented", "This model doesn't offer what was asked for.", { cause });
  }
  if (status === 408 || status === 504) {
    return new AiError("upstream_timeout", "The model took too long to answer.", { cause });
  }
  return new AiError("upstream_failed", "The model failed to answer. Please try again.", { cause });
}

/** Few servers count tokens, and one that does not has no such path. Any other path is there, or the address is wrong. */
function isMissingRoute(status: number, error: UpstreamErrorBody | null, { operation }: UpstreamErrorContext): boolean {
  const isOptional =
    operation === "Getinputtokencounts" && error?.code !== "model_not_found" && error?.param !== "model";
  return isOptional && (status === 404 || status === 405);
}

function readWait({ headers }: UpstreamErrorAnswer): { readonly retryAfterMs?: number } {
  const retryAfterMs = decodeRetryAfter(headers, Date.now());
  return retryAfterMs === undefined ? {} : { retryAfterMs };
}

/** Servers that answer 200 first put the status into the error, as `code` or `status`, or leave it to its type. */
function impliedStatus(error: UpstreamErrorBody | null): number {
  if (error === null) return 500;
  if (error.status !== null) return error.status;
  if (/^(?:invalid_request_error|BadRequestError)$/.test(error.type) || callerCode(error) !== null) return 400;
  return /rate_limit/.test(error.type) ? 429 : 500;
}

function callerCode(error: UpstreamErrorBody): AiErrorCode | null {
  return CALLER_CODES[error.code] ?? CALLER_CODES[error.type] ?? null;
}

function isCallersMistake(
  status: number,
  error: UpstreamErrorBody | null,
  { includeUsage }: UpstreamErrorContext,
): boolean {
  if (error?.code === "model_not_found" || error?.param === "model") return false;
  if (!includeUsage && error?.param?.startsWith("stream_options") === true) return false;
  // A 404 is about the model or the address, which are not the caller's, unless it says what else is missing.
  if (status === 404) return error !== null && error.code !== "" && error.code !== "unknown_url";
  return [400, 413, 415, 422].includes(status);
}

function toCallersMistake(
  status: number,
  error: UpstreamErrorBody | null,
  { redactor, modelId }: UpstreamErrorContext,
): AiError {
  const words = error === null ? "" : redactor.redactForCaller(error.message, modelId);
  const message = words === "" ? "The model does not accept this request." : words;
  const param = error?.param ?? null;
  return new AiError(callersMistakeCode(status, error), message, {
    param: param === null ? null : redactor.redactForCaller(param, modelId),
  });
}

function callersMistakeCode(status: number, error: UpstreamErrorBody | null): AiErrorCode {
  if (status === 413) return "body_too_large";
  if (status === 415) return "unsupported_media_type";
  if (error === null) return "invalid_request";
  return (
    callerCode(error) ?? (CONTEXT_LENGTH_WORDS.test(error.message) ? "context_length_exceeded" : "invalid_request")
  );
}

/**
 * What such an answer says is about the key, the money or the address; 403 is left out: it is also how a prompt is
 * flagged.
 */
const OPERATORS_STATUSES: readonly number[] = [401, 402, 404, 429];

/** For logs. An upstream may quote the prompt, so its message is kept only where it is about key, quota or model. */
function describe(status: number, error: UpstreamErrorBody | null, { redactor }: UpstreamErrorContext): string {
  const kind = [error?.type, error?.code].filter(Boolean).join(", ");
  const isOperators = OPERATORS_STATUSES.includes(status) || error?.param === "model";
  const words = error !== null && isOperators ? `: ${error.message}` : "";
  return redactor.redactForLog(`The upstream answered ${status}${kind === "" ? "" : ` (${kind})`}${words}`);
}
