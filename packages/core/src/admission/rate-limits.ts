/** Requests and tokens per minute of each account: taken before any work, corrected when the real usage is known. */

import { AiError } from "../ai-error.ts";
import { RATE_LIMIT_WINDOW_MS } from "../store/rate-limit-store.ts";
import type { RateLimitOutcome, RateLimitStore } from "../store/rate-limit-store.ts";

/** Null: no limit. */
export interface AccountLimits {
  readonly requestsPerMinute: number | null;
  readonly tokensPerMinute: number | null;
}

/** What a caller may know of one of its limits. */
export interface RateLimitFacts {
  readonly limit: number;
  readonly remaining: number;
  readonly resetMs: number;
}

export type LimitedKind = "requests" | "tokens";

export interface RateLimits {
  /** @throws AiError `rate_limited`, `limits_unavailable` */
  takeRequest(accountId: string, onFacts: OnRateLimit): Promise<void>;
  /**
   * @param tokens what the call may use.
   * @returns a function that reports the actual use; call it once.
   * @throws AiError `rate_limited`, `limits_unavailable`
   */
  takeTokens(accountId: string, tokens: number, onFacts: OnRateLimit): Promise<(usedTokens: number) => Promise<void>>;
}

export type OnRateLimit = (kind: LimitedKind, facts: RateLimitFacts) => void;

export interface RateLimitsOptions {
  readonly store: RateLimitStore;
  readonly limitsOf: (accountId: string) => AccountLimits;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

const NOTHING_TO_CORRECT = async () => {};

export function createRateLimits(options: RateLimitsOptions): RateLimits {
  const { store, limitsOf, now = () => performance.now() } = options;

  async function take(
    kind: LimitedKind,
    use: { accountId: string; points: number; limit: number; onFacts: OnRateLimit },
  ) {
    const { limit, points } = use;
    const key = `${kind}:${use.accountId}`;
    let outcome: RateLimitOutcome;
    try {
      outcome = await store.consume({ key, points, limit });
    } catch (thrown) {
      throw new AiError("limits_unavailable", "The rate limits can't be checked right now. Please try again.", {
        cause: thrown,
        retryAfterMs: 1000,
      });
    }
    const { allowed, remaining, resetMs } = outcome;
    use.onFacts(kind, { limit, remaining, resetMs });
    if (!allowed) throw rateLimited(kind, { limit, remaining, points, resetMs });
    return { key, windowEndsAtMs: now() + resetMs };
  }

  return {
    async takeRequest(accountId, onFacts) {
      const limit = limitsOf(accountId).requestsPerMinute;
      if (limit !== null) await take("requests", { accountId, points: 1, limit, onFacts });
    },
    async takeTokens(accountId, tokens, onFacts) {
      const limit = limitsOf(accountId).tokensPerMinute;
      if (limit === null) return NOTHING_TO_CORRECT;
      const { key, windowEndsAtMs } = await take("tokens", { accountId, points: tokens, limit, onFacts });
      return async (usedTokens) => {
        // The next window took nothing for this call, so it gives nothing back; what was used beyond counts there.
        const isLate = usedTokens < tokens && now() >= windowEndsAtMs;
        if (usedTokens !== tokens && !isLate) await store.correct({ key, points: usedTokens - tokens, limit });
      };
    },
  };
}

/** The first words and the figures are OpenAI's own; clients look for them. */
function rateLimited(
  kind: LimitedKind,
  { limit, remaining, points, resetMs }: { limit: number; remaining: number; points: number; resetMs: number },
): AiError {
  const what = kind === "requests" ? "requests per minute (RPM)" : "tokens per minute (TPM)";
  const figures = `Limit ${limit}, Used ${limit - remaining}, Requested ${points}`;
  const advice =
    points > limit
      ? "This request alone is larger than the limit: shorten it, or ask for fewer tokens."
      : `Please try again in ${Math.ceil(resetMs / 1000)}s.`;
  return new AiError("rate_limited", `Rate limit reached for ${what}: ${figures}. ${advice}`, {
    // Waiting helps nothing when a whole window is too small; a client that waits anyway should at least wait for one.
    retryAfterMs: points > limit ? RATE_LIMIT_WINDOW_MS : resetMs,
  });
}
