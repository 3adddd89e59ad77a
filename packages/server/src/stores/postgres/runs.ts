/** Responses that run in the background, in PostgreSQL. Each change is one statement. */

import { EXPIRED_RUNS_MAX, decodeBatchRow, decodeRunRow } from "../run-rows.ts";
import type { RunRowStore } from "../run-rows.ts";
import type { Database, Statement } from "./database.ts";

const BY_KEY = "account_id = $1 AND id = $2";

/** $7: how many may run. One row when it has begun, none when as many run. */
const INSERT: Statement = {
  name: "begin_response_run",
  text: `
    INSERT INTO response_runs (account_id, id, owner, created_at_ms, lease_until_ms, content)
    SELECT $1, $2, $3, $4::bigint, $5::bigint, $6::bytea
    WHERE (SELECT count(*) FROM response_runs WHERE account_id = $1 AND lease_until_ms IS NOT NULL) < $7::bigint`,
};
const EVICT: Statement = {
  name: "evict_response_runs",
  text: `
    DELETE FROM response_runs WHERE account_id = $1 AND lease_until_ms IS NULL AND id IN (
      SELECT id FROM response_runs WHERE account_id = $1 AND lease_until_ms IS NULL
      ORDER BY kept_until_ms DESC, id OFFSET $2::bigint
    )`,
};
const FIND: Statement = { name: "find_response_run", text: `SELECT * FROM response_runs WHERE ${BY_KEY}` };
const LIST: Statement = {
  name: "list_response_run_events",
  text: `
    SELECT first_number, content FROM response_run_events
    WHERE account_id = $1 AND run_id = $2 AND last_number > $3 ORDER BY first_number LIMIT $4`,
};
const APPEND: Statement = {
  name: "append_response_run_events",
  text: `
    WITH run AS (
      UPDATE response_runs SET event_count = event_count + $5::integer, checkpoint = coalesce($7::bytea, checkpoint),
        lease_until_ms = $8::bigint, kept_until_ms = $9::bigint
      WHERE ${BY_KEY} AND owner = $3 AND event_count = $4::integer AND lease_until_ms IS NOT NULL
      RETURNING account_id, id, is_cancelling
    ), added AS (
      INSERT INTO response_run_events
      SELECT account_id, id, $4::integer, $4::integer + $5::integer - 1, $6::bytea FROM run WHERE $6::bytea IS NOT NULL
    )
    SELECT is_cancelling FROM run`,
};
const CANCEL: Statement = {
  name: "cancel_response_run",
  text: `UPDATE response_runs SET is_cancelling = 1 WHERE ${BY_KEY} AND lease_until_ms IS NOT NULL`,
};
/** What another server claims at the same time is left to it. */
const CLAIM: Statement = {
  name: "claim_response_runs",
  text: `
    UPDATE response_runs SET owner = $1, lease_until_ms = $2 WHERE (account_id, id) IN (
      SELECT account_id, id FROM response_runs WHERE lease_until_ms <= $3 LIMIT $4 FOR UPDATE SKIP LOCKED
    ) RETURNING *`,
};
const REMOVE: Statement = { name: "remove_response_run", text: `DELETE FROM response_runs WHERE ${BY_KEY}` };
const REMOVE_EXPIRED: Statement = {
  name: "remove_expired_response_runs",
  text: `
    DELETE FROM response_runs WHERE (account_id, id) IN (
      SELECT account_id, id FROM response_runs WHERE lease_until_ms IS NULL AND kept_until_ms <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED
    )`,
};

export function createRunRowStore(database: Database): RunRowStore {
  return {
    async insert({ accountId, id, owner, createdAtMs, leaseUntilMs, content }, { runningMax, endedMax }) {
      await database.run(EVICT, [accountId, endedMax]);
      const values = [accountId, id, owner, createdAtMs, leaseUntilMs, content, runningMax];
      return (await database.run(INSERT, values)).rowCount > 0;
    },
    async find({ accountId, id }) {
      const { rows } = await database.run(FIND, [accountId, id]);
      return rows[0] === undefined ? null : decodeRunRow(rows[0]);
    },
    async listBatches({ accountId, id }, { after, limit }) {
      return (await database.run(LIST, [accountId, id, after, limit])).rows.map(decodeBatchRow);
    },
    async append({ accountId, id }, { owner, first, count, content, checkpoint, leaseUntilMs, keptUntilMs }) {
      const values = [accountId, id, owner, first, count, content, checkpoint, leaseUntilMs, keptUntilMs];
      const { rows } = await database.run(APPEND, values);
      if (rows[0] === undefined) return "lost";
      return rows[0]["is_cancelling"] === 0 ? "running" : "cancelling";
    },
    async cancel({ accountId, id }) {
      return (await database.run(CANCEL, [accountId, id])).rowCount > 0;
    },
    async claim({ owner, nowMs, leaseUntilMs, limit }) {
      return (await database.run(CLAIM, [owner, leaseUntilMs, nowMs, limit])).rows.map(decodeRunRow);
    },
    async remove({ accountId, id }) {
      return (await database.run(REMOVE, [accountId, id])).rowCount > 0;
    },
    async removeExpired(nowMs) {
      return (await database.run(REMOVE_EXPIRED, [nowMs, EXPIRED_RUNS_MAX])).rowCount;
    },
    close: () => database.close(),
  };
}
