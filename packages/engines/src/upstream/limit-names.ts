/**
 * The names under which the limit of an answer is sent. OpenAI has renamed it: some servers ignore the new name, some
 * refuse the old one, some refuse both together. So both are sent, with one number, until an upstream refuses one of
 * them by name.
 */

import type { LimitNames } from "./encode-request.ts";
import { decodeErrorBody } from "./decode-error-body.ts";

/** Messages that refuse a parameter itself, not its value. */
const REFUSAL =
  /unsupported|not supported|unknown|unrecogni[sz]ed|unexpected|not (?:allowed|permitted)|extra_forbidden|extra (?:inputs|fields)|no longer|instead|both|same time|together|mutually/i;

/**
 * @param body of a refusal (400 or 422) of a request that had both names
 * @returns the name to send alone from now on; null when the refusal is about something else
 */
export function readRefusedLimit(body: string): LimitNames | null {
  const error = decodeErrorBody(body);
  if (error === null) return null;
  const words = `${error.param ?? ""} ${error.message} ${error.code}`;
  if (!REFUSAL.test(words)) return null;
  const isOld = /\bmax_tokens\b/.test(error.param ?? error.message);
  const isNew = /\bmax_completion_tokens\b/.test(error.param ?? error.message);
  if (isOld) return "max_completion_tokens";
  return isNew ? "max_tokens" : null;
}
