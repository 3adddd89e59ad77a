/** Stores that are forgotten when the process ends, for ephemeral servers and tests. */

import { createMemoryApiKeys } from "./memory-api-keys.ts";
import { createMemoryClientSecrets } from "./memory-client-secrets.ts";
import { createMemoryCredits } from "./memory-credits.ts";
import { createMemoryTokenRevocations } from "./memory-token-revocations.ts";
import { createMemoryRateLimits } from "./memory-rate-limits.ts";
import type { Stores } from "./stores.ts";

export function createMemoryStores(): Stores {
  const apiKeys = createMemoryApiKeys();
  const clientSecrets = createMemoryClientSecrets();
  const credits = createMemoryCredits();
  const tokenRevocations = createMemoryTokenRevocations();
  const rateLimits = createMemoryRateLimits();
  return {
    apiKeys,
    clientSecrets,
    credits,
    tokenRevocations,
    rateLimits,
    probeWrite: async () => {},
    async close() {
      for (const store of [apiKeys, clientSecrets, credits, tokenRevocations, rateLimits]) await store.close();
    },
  };
}
