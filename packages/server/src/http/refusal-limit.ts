/**
 * How many of an account's requests may be refused in a minute. A call that is admitted is limited and paid for; one
 * that is refused after its body was read has cost the server work too, and this bounds it. The counters are of this
 * process alone, because it is this process that the work would slow.
 */

import { AiError, RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";
import type { AiErrorCode } from "@openai-compat/core";
import { isWindowOpen } from "../rate-limit-window.ts";

export interface RefusalLimit {
  /** Called before a body is read. @throws AiError `rate_limited` */
  check(accountId: string): void;
  /** Counts a request that failed, if it was refused for what was in it. @param bytes how much of its body was read. */
  count(accountId: string, error: AiError, bytes: number): void;
}

export interface RefusalLimitOptions {
  /** In a minute; null for no limit. */
  readonly limitOf: (accountId: string) => number | null;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** A larger body is more work, so each of these counts as one refusal more. */
const BYTES_PER_REFUSAL = 1024 * 1024;
/** Beyond so many accounts those whose window began first are forgotten. */
export const COUNTED_ACCOUNTS_MAX = 10_000;

/** What is wrong with the request itself. */
const REFUSALS: ReadonlySet<AiErrorCode> = new Set([
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
  "wrong_model_type",
  "not_implemented",
  "request_timeout",
  "body_too_large",
  "unsupported_media_type",
]);

export function createRefusalLimit({ limitOf, now = Date.now }: RefusalLimitOptions): RefusalLimit {
  const windows = new Map<string, { readonly endsAtMs: number; used: number }>();

  function findWindow(accountId: string): { readonly endsAtMs: number; used: number } | null {
    const found = windows.get(accountId);
    if (found === undefined || isWindowOpen(found, now())) return found ?? null;
    windows.delete(accountId);
    return null;
  }

  return {
    check(accountId) {
      const limit = limitOf(accountId);
      const window = limit === null ? null : findWindow(accountId);
      if (limit === null || window === null || window.used < limit) return;
      const resetMs = Math.max(window.endsAtMs - now(), 0);
      throw new AiError(
        "rate_limited",
        `Rate limit reached for refused requests per minute: Limit ${limit}, Used ${window.used}. ` +
          `Too many of your requests were invalid. Please try again in ${Math.ceil(resetMs / 1000)}s.`,
        { retryAfterMs: resetMs },
      );
    },
    count(accountId, { code }, bytes) {
      if (!REFUSALS.has(code) || limitOf(accountId) === null) return;
      const points = 1 + Math.floor(bytes / BYTES_PER_REFUSAL);
      const window = findWindow(accountId);
      if (window !== null) window.used += points;
      else windows.set(accountId, { endsAtMs: now() + RATE_LIMIT_WINDOW_MS, used: points });
      for (const oldest of windows.keys()) {
        if (windows.size <= COUNTED_ACCOUNTS_MAX) break;
        windows.delete(oldest);
      }
    },
  };
}
