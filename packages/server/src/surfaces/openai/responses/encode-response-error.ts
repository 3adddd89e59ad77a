/**
 * Why a response failed after its stream had begun. Clients decide by the code whether they try again: the codes of
 * limits are OpenAI's, a wait stands in the message, and all else is a failure of the server.
 *
 * @see https://github.com/openai/codex/blob/main/codex-rs/codex-api/src/sse/responses.rs
 */

import type { AiError } from "@openai-compat/core";
import { encodeErrorCode } from "../protocol/encode-error.ts";

const SHOWN_CODES: ReadonlySet<string> = new Set([
  "context_length_exceeded",
  "insufficient_quota",
  "rate_limit_exceeded",
  "model_not_found",
  "previous_response_not_found",
]);

export function encodeResponseError(error: AiError): { readonly code: string; readonly message: string } {
  const { type, code } = encodeErrorCode(error.code);
  const isShown = SHOWN_CODES.has(code);
  const isRefusal = type === "invalid_request_error";
  return { code: isShown ? code : isRefusal ? "invalid_prompt" : "server_error", message: describe(error, code) };
}

function describe({ message, retryAfterMs }: AiError, code: string): string {
  if (code !== "rate_limit_exceeded" || retryAfterMs === undefined) return message;
  return `${message} Please try again in ${Math.max(1, Math.ceil(retryAfterMs / 1000))}s.`;
}
