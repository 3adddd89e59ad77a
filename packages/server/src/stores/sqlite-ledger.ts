/** The log of grants and calls in SQLite: rows are added and read, never changed. */

import type { DatabaseSync } from "node:sqlite";
import type { Grant, LedgerEntry, LedgerQuery, UsageRecord } from "@openai-compat/core";
import { decodeLedgerRow } from "./ledger-row.ts";

export interface SqliteLedger {
  insertGrant(grant: Grant): void;
  insertUsage(record: UsageRecord): void;
  hasGrant(grantId: string): boolean;
  list(query: LedgerQuery): readonly LedgerEntry[];
}

export function createSqliteLedger(database: DatabaseSync): SqliteLedger {
  const insertGrant = database.prepare(
    "INSERT INTO ledger (account_id, amount, created_at_ms, grant_id, note) VALUES (?, ?, ?, ?, ?)",
  );
  const insertUsage = database.prepare(
    `INSERT INTO ledger (account_id, amount, created_at_ms, operation, model_id, request_id,
       input_tokens, cached_tokens, output_tokens, audio_ms, characters)
     VALUES (?, -?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const findGrant = database.prepare("SELECT 1 FROM ledger WHERE grant_id = ?");
  const listAll = database.prepare("SELECT * FROM ledger ORDER BY id DESC LIMIT ?");
  const listOwn = database.prepare("SELECT * FROM ledger WHERE account_id = ? ORDER BY id DESC LIMIT ?");
  return {
    insertGrant({ id, accountId, amount, note, nowMs }) {
      insertGrant.run(accountId, amount, nowMs, id, note);
    },
    insertUsage({ accountId, amount, nowMs, operation, modelId, requestId, units }) {
      const { inputTokens, cachedTokens, outputTokens, audioMs, characters } = units;
      const call = [accountId, amount, nowMs, operation, modelId, requestId];
      insertUsage.run(...call, inputTokens, cachedTokens, outputTokens, audioMs, characters);
    },
    hasGrant: (grantId) => findGrant.get(grantId) !== undefined,
    list({ accountId, limit }) {
      const rows = accountId === null ? listAll.all(limit) : listOwn.all(accountId, limit);
      return rows.map(decodeLedgerRow);
    },
  };
}
