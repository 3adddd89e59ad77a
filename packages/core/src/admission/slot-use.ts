/**
 * The slots of a model that each account holds, and has held on average lately. It decides nothing: what an account may
 * hold is said in `slot-shares.ts`.
 */

/** What was held so long ago counts a third of what is held now. */
const MEMORY_MS = 5000;
/** An average below it counts as nothing: one slot is forgotten 15 s after its end, a call of 0.2 s at once. */
const USE_MIN = 0.05;
/** So many accounts are remembered before those that use nothing any more are looked for. */
const ACCOUNTS_MIN = 16;

export interface SlotUse {
  take(accountId: string): void;
  giveBack(accountId: string): void;
  of(accountId: string): number;
  /** Slots that are held by all accounts. */
  readonly total: number;
  /** Slots that all other accounts hold, or have held on average lately, whichever is more. */
  ofOthers(accountId: string): number;
  /**
   * Accounts that hold a slot or are listed; the others count together for as many as the slots that they have held on
   * average lately.
   */
  countAccounts(listed: ReadonlySet<string>): number;
  /** Accounts that are remembered. */
  readonly accountsKnown: number;
}

interface Use {
  held: number;
  /** Weighted by `MEMORY_MS`, at `atMs`. */
  mean: number;
  atMs: number;
}

/** @param now milliseconds on a clock that never goes back. */
export function createSlotUse(now: () => number): SlotUse {
  const all: Use = { held: 0, mean: 0, atMs: now() };
  const byAccount = new Map<string, Use>();
  let accountsMax = ACCOUNTS_MIN;

  const update = (use: Use): Use => {
    const nowMs = now();
    use.mean = use.held + (use.mean - use.held) * Math.exp((use.atMs - nowMs) / MEMORY_MS);
    use.atMs = nowMs;
    return use;
  };
  const add = (accountId: string, count: 1 | -1) => {
    const own = byAccount.get(accountId) ?? { held: 0, mean: 0, atMs: now() };
    byAccount.set(accountId, own);
    update(own).held += count;
    update(all).held += count;
    if (byAccount.size > accountsMax) forgetUnused();
  };
  const forgetUnused = () => {
    for (const [accountId, use] of byAccount) {
      if (use.held === 0 && update(use).mean < USE_MIN) byAccount.delete(accountId);
    }
    accountsMax = Math.max(ACCOUNTS_MIN, 2 * byAccount.size);
  };

  return {
    take: (accountId) => add(accountId, 1),
    giveBack: (accountId) => add(accountId, -1),
    of: (accountId) => byAccount.get(accountId)?.held ?? 0,
    get total() {
      return all.held;
    },
    ofOthers(accountId) {
      const own = byAccount.get(accountId);
      if (own === undefined) return Math.max(all.held, update(all).mean);
      return Math.max(all.held - own.held, update(all).mean - update(own).mean);
    },
    countAccounts(listed) {
      let count = listed.size;
      let unlisted = 0;
      for (const [accountId, use] of byAccount) {
        if (listed.has(accountId)) continue;
        if (use.held > 0) count += 1;
        else unlisted += update(use).mean;
      }
      return count + ceilUse(unlisted);
    },
    get accountsKnown() {
      return byAccount.size;
    },
  };
}

/** Whole slots, or accounts, for an average. */
export function ceilUse(mean: number): number {
  return Math.max(0, Math.ceil(mean - USE_MIN));
}
