/** OpenAI's `x-ratelimit-*` headers: where the account stands with its limits, on every answer that they concern. */

import type { LimitedKind, RateLimitFacts } from "@openai-compat/core";

/** @see https://platform.openai.com/docs/guides/rate-limits (rate limits in headers) */
export function setRateLimitHeaders(headers: Record<string, string>, kind: LimitedKind, facts: RateLimitFacts): void {
  headers[`x-ratelimit-limit-${kind}`] = String(facts.limit);
  headers[`x-ratelimit-remaining-${kind}`] = String(facts.remaining);
  headers[`x-ratelimit-reset-${kind}`] = encodeDuration(facts.resetMs);
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;

/** As Go prints durations, which is what OpenAI sends: `0s`, `20ms`, `59.7s`, `1m0s`. */
export function encodeDuration(durationMs: number): string {
  const rounded = Math.ceil(durationMs);
  if (rounded > 0 && rounded < SECOND_MS) return `${rounded}ms`;
  const minutes = Math.floor(rounded / MINUTE_MS);
  const seconds = `${(rounded % MINUTE_MS) / SECOND_MS}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
