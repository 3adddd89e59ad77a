/** Resolves the limits of an account: its own where the configuration has them, else the defaults. */

import type { AccountLimits } from "@openai-compat/core";

/** Null: no limit. */
export interface EveryLimit extends AccountLimits {
  /** Requests that were refused for what was in them. */
  readonly refusalsPerMinute: number | null;
}

export interface RateLimitSettings extends EveryLimit {
  /** Missing values are the defaults; null lifts a limit. */
  readonly accounts: Readonly<Record<string, { readonly [Limit in keyof EveryLimit]?: number | null | undefined }>>;
}

export function findLimits(settings: RateLimitSettings): (accountId: string) => EveryLimit {
  const { requestsPerMinute, tokensPerMinute, refusalsPerMinute } = settings;
  const defaults: EveryLimit = { requestsPerMinute, tokensPerMinute, refusalsPerMinute };
  const named = new Map(
    Object.entries(settings.accounts).map(([accountId, own]) => [accountId, overrideLimits(defaults, own)]),
  );
  return (accountId) => named.get(accountId) ?? defaults;
}

function overrideLimits(defaults: EveryLimit, own: RateLimitSettings["accounts"][string]): EveryLimit {
  const choose = (limit: keyof EveryLimit) => (own[limit] === undefined ? defaults[limit] : own[limit]);
  return {
    requestsPerMinute: choose("requestsPerMinute"),
    tokensPerMinute: choose("tokensPerMinute"),
    refusalsPerMinute: choose("refusalsPerMinute"),
  };
}
