/** The counters of the rate limits in PostgreSQL, shared by every server on it. */

import type { RateLimitStore } from "@openai-compat/core";
import { createRateLimitStore, LIMITER_OPTIONS } from "../rate-limits.ts";
import type { Database, Statement, StatementValue } from "./database.ts";

interface LimiterQuery extends Statement {
  readonly values: readonly StatementValue[];
}

/** Nothing is ever deleted: an account has one row per limit, used again in each window. */
export function createPostgresRateLimits(database: Database): RateLimitStore {
  const storeClient = { query: ({ name, text, values }: LimiterQuery) => database.run({ name, text }, values) };
  const table = { tableName: "rate_limits", tableCreated: true, clearExpiredByTimeout: false };
  return createRateLimitStore({
    async loadLimiter() {
      const { RateLimiterPostgres } = await import("rate-limiter-flexible");
      return new RateLimiterPostgres({ ...LIMITER_OPTIONS, ...table, storeClient, storeType: "pool" });
    },
    close: () => database.close(),
  });
}
