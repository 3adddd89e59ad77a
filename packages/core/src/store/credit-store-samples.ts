/** What the suite of credit stores asks them for, each part with a default. Import it from a test only. */

import { NO_USAGE } from "../usage.ts";
import type { CreditStore, Grant, NewHold, Settlement, UsageRecord } from "./credit-store.ts";

export const LARGEST = Number.MAX_SAFE_INTEGER;

export function makeGrant(overrides: Partial<Grant>): Grant {
  return { id: "grant", accountId: "ada", amount: 100, note: "", nowMs: 1000, ...overrides };
}

export function makeHold(overrides: Partial<NewHold>): NewHold {
  return { id: "hold", accountId: "ada", amount: 10, nowMs: 1000, expiresAtMs: 5000, ...overrides };
}

export function makeUsage(overrides: Partial<UsageRecord>): UsageRecord {
  return {
    accountId: "ada",
    operation: "ai_prompt",
    modelId: "model",
    requestId: "request",
    units: NO_USAGE,
    amount: 0,
    nowMs: 1000,
    ...overrides,
  };
}

export function makeSettlement(overrides: Partial<Settlement>): Settlement {
  return { ...makeUsage({}), holdId: "hold", ...overrides };
}

export async function sumOfEntries(store: CreditStore, accountId: string): Promise<number> {
  const entries = await store.listEntries({ accountId, limit: 10_000 });
  return entries.reduce((sum, entry) => sum + entry.amount, 0);
}
