/**
 * Counters of `rate-limiter-flexible`, in whatever store its limiters keep them. A limiter knows one limit, so there is
 * one for each limit in use.
 */

import { RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";
import type { RateLimitOutcome, RateLimitStore } from "@openai-compat/core";
import { RateLimiterMemory, RateLimiterRes } from "rate-limiter-flexible";
import type { IRateLimiterOptions, RateLimiterAbstract } from "rate-limiter-flexible";

export interface RateLimitStoreOptions {
  readonly createLimiter: (options: IRateLimiterOptions) => RateLimiterAbstract;
  readonly close: () => Promise<void>;
}

export function createRateLimitStore({ createLimiter, close }: RateLimitStoreOptions): RateLimitStore {
  const limiters = new Map<number, RateLimiterAbstract>();
  function limiterOf(limit: number): RateLimiterAbstract {
    let limiter = limiters.get(limit);
    if (limiter === undefined) {
      limiter = createLimiter({ keyPrefix: "limit", points: limit, duration: RATE_LIMIT_WINDOW_MS / 1000 });
      limiters.set(limit, limiter);
    }
    return limiter;
  }

  return {
    async consume({ key, points, limit }) {
      const limiter = limiterOf(limit);
      try {
        return encodeOutcome(await limiter.consume(key, points), true);
      } catch (thrown) {
        if (!(thrown instanceof RateLimiterRes)) throw thrown;
        // It has counted what it refused; what is refused is not used.
        return encodeOutcome(await limiter.reward(key, points), false);
      }
    },
    async correct({ key, points, limit }) {
      const limiter = limiterOf(limit);
      const used = await limiter.get(key);
      // A window that has ended took what was used with it.
      if (used === null) return;
      if (points > 0) await limiter.penalty(key, points);
      else await limiter.reward(key, Math.min(-points, used.consumedPoints));
    },
    close,
  };
}

function encodeOutcome({ remainingPoints, msBeforeNext }: RateLimiterRes, allowed: boolean): RateLimitOutcome {
  return { allowed, remaining: Math.max(0, remainingPoints), resetMs: Math.max(0, msBeforeNext) };
}

/** Counters of this process alone. */
export function createMemoryRateLimits(): RateLimitStore {
  return createRateLimitStore({ createLimiter: (options) => new RateLimiterMemory(options), close: async () => {} });
}
