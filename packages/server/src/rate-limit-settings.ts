/** Whose limits are whose: an account's own where the configuration names it, else everybody's. */

import type { AccountLimits } from "@openai-compat/core";

export interface RateLimitSettings extends AccountLimits {
  /** What is left out is as for everybody; null lifts a limit. */
  readonly accounts: Readonly<Record<string, { readonly [Limit in keyof AccountLimits]?: number | null | undefined }>>;
}

export function findLimits(settings: RateLimitSettings): (accountId: string) => AccountLimits {
  const { requestsPerMinute, tokensPerMinute } = settings;
  const everybody: AccountLimits = { requestsPerMinute, tokensPerMinute };
  const named = new Map(
    Object.entries(settings.accounts).map(([accountId, own]) => [
      accountId,
      {
        requestsPerMinute: own.requestsPerMinute === undefined ? requestsPerMinute : own.requestsPerMinute,
        tokensPerMinute: own.tokensPerMinute === undefined ? tokensPerMinute : own.tokensPerMinute,
      },
    ]),
  );
  return (accountId) => named.get(accountId) ?? everybody;
}
