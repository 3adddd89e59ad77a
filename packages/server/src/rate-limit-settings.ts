/** Whose limits are whose: an account's own where the configuration names it, else everybody's. */

import type { AccountLimits } from "@openai-compat/core";

/** Null: no limit. */
export interface EveryLimit extends AccountLimits {
  /** Requests that were refused for what was in them. */
  readonly refusalsPerMinute: number | null;
}

export interface RateLimitSettings extends EveryLimit {
  /** What is left out is as for everybody; null lifts a limit. */
  readonly accounts: Readonly<Record<string, { readonly [Limit in keyof EveryLimit]?: number | null | undefined }>>;
}

export function findLimits(settings: RateLimitSettings): (accountId: string) => EveryLimit {
  const { requestsPerMinute, tokensPerMinute, refusalsPerMinute } = settings;
  const everybody: EveryLimit = { requestsPerMinute, tokensPerMinute, refusalsPerMinute };
  const named = new Map(
    Object.entries(settings.accounts).map(([accountId, own]) => [accountId, overrideLimits(everybody, own)]),
  );
  return (accountId) => named.get(accountId) ?? everybody;
}

function overrideLimits(everybody: EveryLimit, own: RateLimitSettings["accounts"][string]): EveryLimit {
  const choose = (limit: keyof EveryLimit) => (own[limit] === undefined ? everybody[limit] : own[limit]);
  return {
    requestsPerMinute: choose("requestsPerMinute"),
    tokensPerMinute: choose("tokensPerMinute"),
    refusalsPerMinute: choose("refusalsPerMinute"),
  };
}
