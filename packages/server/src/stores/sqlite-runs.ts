/** Responses that run in the background, in SQLite. Their beginning and their end are on the disk before they are reported. */

import type { DatabaseSync } from "node:sqlite";
import { EXPIRED_RUNS_MAX, decodeBatchRow, decodeRunRow } from "./run-rows.ts";
import type { RunRowStore } from "./run-rows.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

export function createSqliteRuns(database: DatabaseSync, writer: SqliteWriter): Omit<RunRowStore, "close"> {
  const statements = prepare(database);
  return {
    async insert({ accountId, id, owner, createdAtMs, leaseUntilMs, content }, { runningMax, endedMax }) {
      return writer.writeDurably(() => {
        if (Number(statements.count.get(accountId)?.["runs"]) >= runningMax) return false;
        statements.evict.run(accountId, endedMax);
        statements.insert.run(accountId, id, owner, createdAtMs, leaseUntilMs, content);
        return true;
      });
    },
    async find({ accountId, id }) {
      const row = statements.find.get(accountId, id);
      return row === undefined ? null : decodeRunRow(row);
    },
    async listBatches({ accountId, id }, { after, limit }) {
      return statements.list.all(accountId, id, after, limit).map(decodeBatchRow);
    },
    async append({ accountId, id }, { owner, first, count, content, checkpoint, leaseUntilMs, keptUntilMs }) {
      const work = () => {
        const values = [count, checkpoint, leaseUntilMs, keptUntilMs];
        const row = statements.append.get(...values, accountId, id, owner, first);
        if (row === undefined) return "lost";
        if (content !== null) statements.addBatch.run(accountId, id, first, first + count - 1, content);
        return row["is_cancelling"] === 0 ? "running" : "cancelling";
      };
      return leaseUntilMs === null ? writer.writeDurably(work) : writer.write(work);
    },
    async cancel({ accountId, id }) {
      return writer.writeDurably(() => statements.cancel.run(accountId, id).changes > 0);
    },
    async claim({ owner, nowMs, leaseUntilMs, limit }) {
      // Mostly there are none, and nothing is written.
      if (statements.findLapsed.get(nowMs) === undefined) return [];
      return writer.writeDurably(() => statements.claim.all(owner, leaseUntilMs, nowMs, limit).map(decodeRunRow));
    },
    async remove({ accountId, id }) {
      return writer.writeDurably(() => statements.remove.run(accountId, id).changes > 0);
    },
    async removeExpired(nowMs) {
      if (statements.findExpired.get(nowMs) === undefined) return 0;
      return writer.write(() => Number(statements.removeExpired.run(nowMs, EXPIRED_RUNS_MAX).changes));
    },
  };
}

const OF_RUN = "account_id = ? AND id = ?";
const LAPSED = "lease_until_ms <= ?";
const EXPIRED = "lease_until_ms IS NULL AND kept_until_ms <= ?";

function prepare(database: DatabaseSync) {
  return {
    count: database.prepare(
      "SELECT count(*) AS runs FROM response_runs WHERE account_id = ? AND lease_until_ms IS NOT NULL",
    ),
    evict: database.prepare(
      `DELETE FROM response_runs WHERE rowid IN (
         SELECT rowid FROM response_runs WHERE account_id = ? AND lease_until_ms IS NULL
         ORDER BY kept_until_ms DESC, rowid DESC LIMIT -1 OFFSET ?
       )`,
    ),
    insert: database.prepare(
      `INSERT INTO response_runs (account_id, id, owner, created_at_ms, lease_until_ms, is_cancelling, event_count, content)
       VALUES (?, ?, ?, ?, ?, 0, 0, ?)`,
    ),
    find: database.prepare(`SELECT * FROM response_runs WHERE ${OF_RUN}`),
    list: database.prepare(
      `SELECT first_number, content FROM response_run_events
       WHERE account_id = ? AND run_id = ? AND last_number > ? ORDER BY first_number LIMIT ?`,
    ),
    append: database.prepare(
      `UPDATE response_runs SET event_count = event_count + ?, checkpoint = coalesce(?, checkpoint),
         lease_until_ms = ?, kept_until_ms = ?
       WHERE ${OF_RUN} AND owner = ? AND event_count = ? AND lease_until_ms IS NOT NULL RETURNING is_cancelling`,
    ),
    addBatch: database.prepare("INSERT INTO response_run_events VALUES (?, ?, ?, ?, ?)"),
    cancel: database.prepare(
      `UPDATE response_runs SET is_cancelling = 1 WHERE ${OF_RUN} AND lease_until_ms IS NOT NULL`,
    ),
    findLapsed: database.prepare(`SELECT 1 FROM response_runs WHERE ${LAPSED} LIMIT 1`),
    claim: database.prepare(
      `UPDATE response_runs SET owner = ?, lease_until_ms = ?
       WHERE rowid IN (SELECT rowid FROM response_runs WHERE ${LAPSED} LIMIT ?) RETURNING *`,
    ),
    remove: database.prepare(`DELETE FROM response_runs WHERE ${OF_RUN}`),
    findExpired: database.prepare(`SELECT 1 FROM response_runs WHERE ${EXPIRED} LIMIT 1`),
    removeExpired: database.prepare(
      `DELETE FROM response_runs WHERE rowid IN (SELECT rowid FROM response_runs WHERE ${EXPIRED} LIMIT ?)`,
    ),
  };
}
