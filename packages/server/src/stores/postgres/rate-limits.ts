/**
 * The counters of the rate limits in PostgreSQL, shared by every server on it, by rate-limiter-flexible. The library
 * adds to a counter without asking whether it fits, so what did not fit is taken back at once: in between, another call
 * of the same account may be refused although it would have fitted, and none is ever let through that does not fit.
 */

import { RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";
import type { RateLimitStore } from "@openai-compat/core";
import type { RateLimiterAbstract } from "rate-limiter-flexible";
import type { Database, Statement, StatementValue } from "./database.ts";

interface LimiterQuery extends Statement {
  readonly values: readonly StatementValue[];
}

type Limiter = Pick<RateLimiterAbstract, "get" | "penalty">;

/** Nothing is ever deleted: an account has one row per limit, used again in each window. */
export function createPostgresRateLimits(database: Database): RateLimitStore {
  let loading: Promise<Limiter> | null = null;
  const limiterOf = () => (loading ??= loadLimiter(database));

  /** What is used in a window that is still open; null when none is. */
  async function look(key: string): Promise<{ used: number; resetMs: number } | null> {
    const found = await (await limiterOf()).get(key);
    if (found === null || found.msBeforeNext <= 0) return null;
    return { used: found.consumedPoints, resetMs: found.msBeforeNext };
  }

  async function change(key: string, points: number): Promise<void> {
    const limiter = await limiterOf();
    const { consumedPoints } = await limiter.penalty(key, points);
    // More was given back than was taken, or the window has just ended and the next one began with a gift.
    if (consumedPoints < 0) await limiter.penalty(key, -consumedPoints);
  }

  return {
    async consume({ key, points, limit }) {
      if (points === 0 || points > limit) {
        const { used, resetMs } = (await look(key)) ?? { used: 0, resetMs: 0 };
        return { allowed: points === 0, remaining: Math.max(limit - used, 0), resetMs };
      }
      const { consumedPoints, msBeforeNext: resetMs } = await (await limiterOf()).penalty(key, points);
      if (consumedPoints <= limit) return { allowed: true, remaining: limit - consumedPoints, resetMs };
      await change(key, -points);
      return { allowed: false, remaining: Math.max(limit - (consumedPoints - points), 0), resetMs };
    },
    async correct({ key, points }) {
      if ((await look(key)) !== null) await change(key, points);
    },
    close: () => database.close(),
  };
}

/**
 * Created on the first use: the library is slow to load. The limits come with each use, so it is constructed without
 * any.
 */
async function loadLimiter(database: Database): Promise<Limiter> {
  const { RateLimiterPostgres } = await import("rate-limiter-flexible");
  return new RateLimiterPostgres({
    points: 0,
    duration: RATE_LIMIT_WINDOW_MS / 1000,
    keyPrefix: "",
    tableName: "rate_limits",
    tableCreated: true,
    clearExpiredByTimeout: false,
    storeClient: { query: ({ name, text, values }: LimiterQuery) => database.run({ name, text }, values) },
    storeType: "pool",
  });
}
