/**
 * Credits in SQLite. A transaction has the database for itself from its first statement, so that each method may look
 * and then write, and what it looked at stays true.
 */

import type { DatabaseSync } from "node:sqlite";
import type { Balance, CreditStore, Grant, NewHold, Settlement } from "@openai-compat/core";
import {
  checkAgainstHold,
  checkFree,
  checkGrant,
  checkGrantedBalance,
  checkHold,
  checkQuery,
  checkUsage,
} from "./credit-checks.ts";
import { createSqliteLedger } from "./sqlite-ledger.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

/** How many holds expire in one transaction: a crash may have left more than the event loop has time for. */
const EXPIRED_AT_ONCE_MAX = 500;

export function createSqliteCredits(database: DatabaseSync, writer: SqliteWriter): Omit<CreditStore, "close"> {
  const ledger = createSqliteLedger(database);
  const accounts = createAccounts(database);
  const holds = createHolds(database);

  const hold = (requested: NewHold) => {
    const { accountId, amount } = requested;
    if (!accounts.hold(accountId, amount)) {
      const { balance, held } = accounts.read(accountId);
      return { held: false, available: balance - held } as const;
    }
    holds.insert(requested);
    return { held: true } as const;
  };

  const settle = (settlement: Settlement) => {
    const taken = holds.take(settlement.holdId);
    if (taken === null) return "gone";
    checkAgainstHold(settlement, taken);
    accounts.resolve(taken, settlement.amount);
    ledger.insertUsage(settlement);
    return "resolved";
  };

  const voidHold = (holdId: string) => {
    const taken = holds.take(holdId);
    if (taken === null) return "gone";
    accounts.resolve(taken, 0);
    return "resolved";
  };

  const expire = (nowMs: number) => {
    const due = holds.takeDue(nowMs, EXPIRED_AT_ONCE_MAX);
    for (const taken of due) accounts.resolve(taken, 0);
    return due.length;
  };

  const grant = (requested: Grant): Balance => {
    const before = accounts.read(requested.accountId);
    if (ledger.hasGrant(requested.id)) return before;
    checkGrantedBalance(before, requested.amount);
    accounts.grant(requested.accountId, requested.amount);
    ledger.insertGrant(requested);
    return { balance: before.balance + requested.amount, held: before.held };
  };

  return {
    async hold(requested) {
      checkHold(requested);
      return writer.write(() => hold(requested));
    },
    async settle(settlement) {
      checkUsage(settlement);
      return writer.write(() => settle(settlement));
    },
    void: (holdId) => writer.write(() => voidHold(holdId)),
    async expireHolds(nowMs) {
      let expired = 0;
      // Mostly nothing is due, and looking costs no transaction.
      while (holds.isAnyDue(nowMs)) expired += await writer.write(() => expire(nowMs));
      return expired;
    },
    async recordFree(record) {
      checkFree(record);
      await writer.write(() => ledger.insertUsage(record));
    },
    async grant(requested) {
      checkGrant(requested);
      return writer.writeDurably(() => grant(requested));
    },
    readBalance: async (accountId) => accounts.read(accountId),
    async listEntries(query) {
      checkQuery(query);
      return ledger.list(query);
    },
  };
}

interface TakenHold {
  readonly accountId: string;
  readonly amount: number;
}

function createAccounts(database: DatabaseSync) {
  const read = database.prepare("SELECT balance, held FROM accounts WHERE id = ?");
  const hold = database.prepare("UPDATE accounts SET held = held + ?2 WHERE id = ?1 AND balance - held >= ?2");
  const resolve = database.prepare("UPDATE accounts SET balance = balance - ?, held = held - ? WHERE id = ?");
  // A new account has 0 first: a row that would be below 0 is refused even where it only leads to the update.
  const open = database.prepare("INSERT INTO accounts VALUES (?, 0, 0) ON CONFLICT DO NOTHING");
  const grant = database.prepare("UPDATE accounts SET balance = balance + ? WHERE id = ?");
  return {
    read(accountId: string): Balance {
      const row = read.get(accountId);
      return { balance: Number(row?.["balance"] ?? 0), held: Number(row?.["held"] ?? 0) };
    },
    /** @returns whether there was enough. */
    hold: (accountId: string, amount: number): boolean => hold.run(accountId, amount).changes === 1,
    resolve({ accountId, amount }: TakenHold, charged: number): void {
      resolve.run(charged, amount, accountId);
    },
    grant(accountId: string, amount: number): void {
      open.run(accountId);
      grant.run(amount, accountId);
    },
  };
}

function createHolds(database: DatabaseSync) {
  const insert = database.prepare("INSERT INTO holds VALUES (?, ?, ?, ?)");
  const take = database.prepare("DELETE FROM holds WHERE id = ? RETURNING account_id, amount");
  const findDue = database.prepare("SELECT 1 FROM holds WHERE expires_at_ms <= ? LIMIT 1");
  const takeDue = database.prepare(
    `DELETE FROM holds WHERE id IN (SELECT id FROM holds WHERE expires_at_ms <= ? ORDER BY expires_at_ms LIMIT ?)
     RETURNING account_id, amount`,
  );
  const decode = (row: Readonly<Record<string, unknown>>): TakenHold => ({
    accountId: String(row["account_id"]),
    amount: Number(row["amount"]),
  });
  return {
    /** @throws Error when the id is taken. */
    insert({ id, accountId, amount, expiresAtMs }: NewHold): void {
      insert.run(id, accountId, amount, expiresAtMs);
    },
    take(id: string): TakenHold | null {
      const row = take.get(id);
      return row === undefined ? null : decode(row);
    },
    isAnyDue: (nowMs: number): boolean => findDue.get(nowMs) !== undefined,
    takeDue: (nowMs: number, limit: number): readonly TakenHold[] => takeDue.all(nowMs, limit).map(decode),
  };
}
