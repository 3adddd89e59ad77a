/** Stores for core's own tests: simple enough to be seen through, and breakable at will. */

import type { RateLimits } from "../admission/rate-limits.ts";
import type { CreditStore, LedgerEntry, NewHold } from "../store/credit-store.ts";

export const NO_RATE_LIMITS: RateLimits = {
  takeRequest: async () => {},
  takeTokens: async () => async () => {},
};

export interface FakeCreditStore extends CreditStore {
  readonly entries: LedgerEntry[];
  readonly holds: Map<string, NewHold>;
  /** What the next calls of a method throw, before they do anything. */
  readonly failures: { hold: Error[]; settle: Error[]; void: Error[] };
}

/** One account, whatever its name, with this balance. */
export function createFakeCreditStore(granted = 0): FakeCreditStore {
  const entries: LedgerEntry[] = [];
  const holds = new Map<string, NewHold>();
  const failures: FakeCreditStore["failures"] = { hold: [], settle: [], void: [] };
  const failWith = (errors: Error[]) => {
    const error = errors.shift();
    if (error !== undefined) throw error;
  };
  const sum = (amounts: readonly { readonly amount: number }[]) =>
    amounts.reduce((total, { amount }) => total + amount, 0);
  const readBalance = async () => ({ balance: granted + sum(entries), held: sum([...holds.values()]) });
  const log = ({
    accountId,
    operation,
    modelId,
    requestId,
    units,
    amount,
    nowMs,
  }: Parameters<CreditStore["recordFree"]>[0]) => {
    entries.push({
      kind: "usage",
      accountId,
      operation,
      modelId,
      requestId,
      units,
      amount: amount === 0 ? 0 : -amount,
      createdAtMs: nowMs,
    });
  };
  return {
    entries,
    holds,
    failures,
    async hold(hold) {
      failWith(failures.hold);
      const { balance, held } = await readBalance();
      if (balance - held < hold.amount) return { held: false, available: balance - held };
      holds.set(hold.id, hold);
      return { held: true };
    },
    async settle(settlement) {
      failWith(failures.settle);
      if (!holds.delete(settlement.holdId)) return "gone";
      log(settlement);
      return "resolved";
    },
    async void(holdId) {
      failWith(failures.void);
      return holds.delete(holdId) ? "resolved" : "gone";
    },
    async expireHolds() {
      throw new Error("The service never expires holds.");
    },
    async recordFree(record) {
      failWith(failures.settle);
      log(record);
    },
    async grant() {
      throw new Error("The service never grants.");
    },
    readBalance,
    listEntries: async () => entries,
    close: async () => {},
  };
}
