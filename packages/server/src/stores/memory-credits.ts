/**
 * Credits that are forgotten when the process ends, for ephemeral servers and tests. Nothing runs between the lines of
 * a method, so each is all or nothing once its checks have passed.
 */

import type { Balance, CreditStore, LedgerEntry, LedgerQuery, NewHold, UsageRecord } from "@openai-compat/core";
import {
  checkAgainstHold,
  checkFree,
  checkGrant,
  checkGrantedBalance,
  checkHold,
  checkQuery,
  checkUsage,
} from "./credit-checks.ts";

/** The log of a server that runs for months must not fill its memory: the oldest entries go. */
const ENTRIES_KEPT_MAX = 10_000;

const NOTHING: Balance = { balance: 0, held: 0 };

export interface MemoryCreditsOptions {
  /** The newest entries that are kept, of all accounts together. Default: 10,000. Balances are right beyond that. */
  readonly entriesKeptMax?: number;
}

export function createMemoryCredits({ entriesKeptMax = ENTRIES_KEPT_MAX }: MemoryCreditsOptions = {}): CreditStore {
  const accounts = new Map<string, Balance>();
  const holds = new Map<string, NewHold>();
  const grants = new Set<string>();
  const ledger = createLedger(entriesKeptMax);
  const read = (accountId: string) => accounts.get(accountId) ?? NOTHING;
  /** Takes the hold away and changes its account by what it came to. */
  const resolve = ({ id, accountId, amount }: NewHold, charged: number) => {
    const { balance, held } = read(accountId);
    holds.delete(id);
    accounts.set(accountId, { balance: balance - charged, held: held - amount });
  };
  return {
    async hold(hold) {
      checkHold(hold);
      const { balance, held } = read(hold.accountId);
      const available = balance - held;
      if (available < hold.amount) return { held: false, available };
      if (holds.has(hold.id)) throw new Error("There is a hold with this id already.");
      holds.set(hold.id, hold);
      accounts.set(hold.accountId, { balance, held: held + hold.amount });
      return { held: true };
    },
    async settle(settlement) {
      checkUsage(settlement);
      const hold = holds.get(settlement.holdId);
      if (hold === undefined) return "gone";
      checkAgainstHold(settlement, hold);
      resolve(hold, settlement.amount);
      ledger.write(describeUsage(settlement));
      return "resolved";
    },
    async void(holdId) {
      const hold = holds.get(holdId);
      if (hold === undefined) return "gone";
      resolve(hold, 0);
      return "resolved";
    },
    async expireHolds(nowMs) {
      const due = [...holds.values()].filter((hold) => hold.expiresAtMs <= nowMs);
      for (const hold of due) resolve(hold, 0);
      return due.length;
    },
    async recordFree(record) {
      checkFree(record);
      ledger.write(describeUsage(record));
    },
    async grant(grant) {
      checkGrant(grant);
      const before = read(grant.accountId);
      if (grants.has(grant.id)) return before;
      checkGrantedBalance(before, grant.amount);
      const after = { balance: before.balance + grant.amount, held: before.held };
      grants.add(grant.id);
      accounts.set(grant.accountId, after);
      const { accountId, amount, note, nowMs } = grant;
      ledger.write({ kind: "grant", accountId, amount, note, createdAtMs: nowMs });
      return after;
    },
    async readBalance(accountId) {
      return read(accountId);
    },
    async listEntries(query) {
      checkQuery(query);
      return ledger.list(query);
    },
    // It is deleted when nothing refers to it any more.
    async close() {},
  };
}

function createLedger(entriesKeptMax: number) {
  const entries: LedgerEntry[] = [];
  return {
    write(entry: LedgerEntry): void {
      entries.push(entry);
      if (entries.length > entriesKeptMax) entries.shift();
    },
    list({ accountId, limit }: LedgerQuery): readonly LedgerEntry[] {
      const own = entries.filter((entry) => accountId === null || entry.accountId === accountId);
      return own.slice(-limit).toReversed();
    },
  };
}

function describeUsage(record: UsageRecord): LedgerEntry {
  const { accountId, operation, modelId, requestId, units, amount, nowMs } = record;
  // `-0` is not `0` to everyone.
  const change = amount === 0 ? 0 : -amount;
  return { kind: "usage", accountId, amount: change, operation, modelId, requestId, units, createdAtMs: nowMs };
}
