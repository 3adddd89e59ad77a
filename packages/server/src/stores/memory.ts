/** Stores that are forgotten when the process ends, for ephemeral servers and tests. */

import { createMemoryApiKeys } from "./memory-api-keys.ts";
import { createMemoryCredits } from "./memory-credits.ts";
import { createMemoryTokenRevocations } from "./memory-token-revocations.ts";
import { createMemoryRateLimits } from "./memory-rate-limits.ts";
import type { Stores } from "./stores.ts";

export function createMemoryStores(): Stores {
  const apiKeys = createMemoryApiKeys();
  const credits = createMemoryCredits();
  const tokenRevocations = createMemoryTokenRevocations();
  const rateLimits = createMemoryRateLimits();
  return {
    apiKeys,
    credits,
    tokenRevocations,
    rateLimits,
    probeWrite: async () => {},
    async close() {
      for (const store of [apiKeys, credits, tokenRevocations, rateLimits]) await store.close();
    },
  };
}
