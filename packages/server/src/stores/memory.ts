/** Stores that are forgotten when the process ends, for ephemeral servers and tests. */

import { createContentBox } from "./content-box.ts";
import { createMemoryApiKeys } from "./memory-api-keys.ts";
import { createMemoryClientSecrets } from "./memory-client-secrets.ts";
import { createMemoryCredits } from "./memory-credits.ts";
import { createMemoryEntries } from "./memory-entries.ts";
import { createMemoryModels } from "./memory-models.ts";
import { createMemoryTasks } from "./memory-tasks.ts";
import { createMemoryTokenRevocations } from "./memory-token-revocations.ts";
import { createMemoryRateLimits } from "./memory-rate-limits.ts";
import { createMemoryRuns } from "./memory-runs.ts";
import { createResponseRunStore } from "./response-run-store.ts";
import { createResponseStore } from "./response-store.ts";
import type { Stores } from "./stores.ts";

export function createMemoryStores(): Stores {
  const apiKeys = createMemoryApiKeys();
  const clientSecrets = createMemoryClientSecrets();
  const credits = createMemoryCredits();
  const tokenRevocations = createMemoryTokenRevocations();
  const models = createMemoryModels();
  const tasks = createMemoryTasks();
  const responses = createResponseStore(createMemoryEntries(), createContentBox(null));
  const responseRuns = createResponseRunStore(createMemoryRuns(), createContentBox(null));
  const rateLimits = createMemoryRateLimits();
  return {
    apiKeys,
    clientSecrets,
    credits,
    tokenRevocations,
    models,
    tasks,
    responses,
    responseRuns,
    rateLimits,
    probeWrite: async () => {},
    async close() {
      const kept = [apiKeys, clientSecrets, credits, tokenRevocations, models, tasks];
      const all = [...kept, responses, responseRuns, rateLimits];
      for (const store of all) await store.close();
    },
  };
}
