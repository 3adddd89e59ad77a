/** What operators see of accounts. An account is any text that a key, a token or a grant names: there is no list of them. */

import type { ApiKeyRecord, ApiKeyStore, CreditStore } from "@openai-compat/core";
import type { Account } from "@openai-compat/spec";
import { ENTRIES_LISTED_MAX } from "../../../stores/credit-checks.ts";
import { askStore } from "../../../stores/ask-store.ts";
import type { NativeHandlers } from "../native-handlers.ts";
import { ENTRIES_DEFAULT } from "./bounds.ts";

export interface AccountOptions {
  readonly apiKeys: ApiKeyStore;
  readonly credits: CreditStore;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createAccountHandlers(options: AccountOptions): Pick<NativeHandlers, "accounts.list" | "accounts.get"> {
  const { apiKeys, credits, now } = options;
  const describe = async (id: string, keys: readonly ApiKeyRecord[]): Promise<Account> => {
    const { balance, held } = await askStore(credits.readBalance(id));
    const usable = keys.filter((key) => key.accountId === id && isUsable(key, now()));
    return { id, keys: usable.length, balance, held };
  };
  return {
    async "accounts.list"({ after = "", limit = ENTRIES_DEFAULT }) {
      const keys = await askStore(apiKeys.list());
      // Whose last entry is older than so many others has to be asked for by its name.
      const entries = await askStore(credits.listEntries({ accountId: null, limit: ENTRIES_LISTED_MAX }));
      const ids = new Set([...keys, ...entries].map(({ accountId }) => accountId));
      const page = [...ids]
        .filter((id) => id > after)
        .toSorted(byCodeUnits)
        .slice(0, limit);
      return Promise.all(page.map((id) => describe(id, keys)));
    },
    "accounts.get": async ({ id }) => describe(id, await askStore(apiKeys.list())),
  };
}

function isUsable({ revokedAtMs, expiresAtMs }: ApiKeyRecord, nowMs: number): boolean {
  return revokedAtMs === null && (expiresAtMs === null || expiresAtMs > nowMs);
}

/** As `>` compares, which says what comes after the last one of a page. */
function byCodeUnits(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
