/** Entries in PostgreSQL. Each change is a call of a function of `entry-tables.ts`. */

import { z } from "zod";
import { decodeEntryRow } from "../entry-row.ts";
import { EXPIRED_CHAINS_MAX, countEntryBytes } from "../entry-store.ts";
import type { Addition, EntryKey, EntryStore } from "../entry-store.ts";
import type { Database, Statement, StatementValue } from "./database.ts";

const COLUMNS = ["kind", "id", "chain_id", "previous_id", "created_at_ms", "content"];
const SELECT = `SELECT ${COLUMNS.join(", ")} FROM stored_entries`;
const BY_KEY = "account_id = $1 AND kind = $2 AND scope = $3 AND id = $4";

const FIND: Statement = { name: "find_entry", text: `${SELECT} WHERE ${BY_KEY}` };
const FIND_CHAIN: Statement = {
  name: "find_entry_chain",
  text: `
    WITH RECURSIVE steps (step, seq, previous_id) AS (
      SELECT 0, seq, previous_id FROM stored_entries WHERE ${BY_KEY}
      UNION ALL
      SELECT step + 1, before.seq, before.previous_id
      FROM steps JOIN stored_entries AS before
        ON before.account_id = $1 AND before.kind = 'response' AND before.scope = '' AND before.id = steps.previous_id
    )
    SELECT ${COLUMNS.map((column) => `entry.${column}`).join(", ")}
    FROM steps JOIN stored_entries AS entry USING (seq) ORDER BY step`,
};
const FIND_BY_ITEMS: Statement = {
  name: "find_entries_by_items",
  text: `
    SELECT newest.item_id, ${COLUMNS.map((column) => `entry.${column}`).join(", ")}
    FROM (
      SELECT item_id, max(entry_seq) AS seq FROM stored_item_ids WHERE account_id = $1 AND item_id = ANY ($2::text[])
      GROUP BY item_id
    ) AS newest JOIN stored_entries AS entry USING (seq)`,
};
const FIND_SEQ: Statement = { name: "find_entry_seq", text: `SELECT seq FROM stored_entries WHERE ${BY_KEY}` };
/** Of what comes next, as much as a page takes, and how much there is: contents are read only of what is in the page. */
const listFrom = (from: "seq > $4" | "seq < $4", order: "seq" | "seq DESC") => `
  WITH following AS (
    SELECT seq, octet_length(content) AS length FROM stored_entries
    WHERE account_id = $1 AND kind = $2 AND scope = $3 AND ${from} ORDER BY ${order} LIMIT $5 + 1
  ), placed AS (
    SELECT
      seq,
      row_number() OVER (ORDER BY ${order}) AS place,
      sum(length) OVER (ORDER BY ${order}) AS total,
      count(*) OVER () AS following
    FROM following
  )
  SELECT ${COLUMNS.map((column) => `entry.${column}`).join(", ")}, placed.following::int AS following
  FROM placed JOIN stored_entries AS entry USING (seq)
  WHERE place = 1 OR (place <= $5 AND ($6::bigint IS NULL OR total <= $6))
  ORDER BY ${order}`;
const LISTS: Readonly<Record<"asc" | "desc", Statement>> = {
  asc: { name: "list_entries", text: listFrom("seq > $4", "seq") },
  desc: { name: "list_entries_desc", text: listFrom("seq < $4", "seq DESC") },
};
const INSERT: Statement = {
  name: "insert_entries",
  text: `SELECT insert_stored_entries(
    $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16
  ) AS outcome`,
};
const REPLACE: Statement = {
  name: "replace_entry",
  text: "SELECT replace_stored_entry($1, $2, $3, $4, $5, $6) AS outcome",
};
const REMOVE: Statement = { name: "remove_entry", text: "SELECT remove_stored_entry($1, $2, $3, $4, $5) AS removed" };
/** A chain that is in use is left to the next sweep. */
const REMOVE_EXPIRED: Statement = {
  name: "remove_expired_chains",
  text: `
    DELETE FROM stored_chains WHERE (account_id, id) IN (
      SELECT account_id, id FROM stored_chains WHERE expires_at_ms <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
    )`,
};

const insertedSchema = z.object({ outcome: z.enum(["stored", "full", "absent", "taken"]) });
const replacedSchema = z.object({ outcome: z.enum(["stored", "full", "absent"]) });
const followingSchema = z.object({ following: z.number() });
const itemIdSchema = z.object({ item_id: z.string() });

export function createEntryStore(database: Database): EntryStore {
  return {
    async insert(addition) {
      const { rows } = await database.run(INSERT, bindAddition(addition));
      return insertedSchema.parse(rows[0]).outcome;
    },
    async find(key) {
      const { rows } = await database.run(FIND, bindKey(key));
      return rows[0] === undefined ? null : decodeEntryRow(rows[0]);
    },
    async findChain(accountId, id) {
      const key = bindKey({ accountId, kind: "response", id, chainId: null });
      return (await database.run(FIND_CHAIN, key)).rows.map(decodeEntryRow);
    },
    async findByItems(accountId, itemIds) {
      const { rows } = await database.run(FIND_BY_ITEMS, [accountId, itemIds]);
      return new Map(rows.map((row) => [itemIdSchema.parse(row).item_id, decodeEntryRow(row)]));
    },
    async list({ accountId, kind, chainId, after, limit, bytesMax = null, order }) {
      let from: unknown = order === "asc" ? 0 : Number.MAX_SAFE_INTEGER;
      if (after !== null) {
        const { rows } = await database.run(FIND_SEQ, bindKey({ accountId, kind, chainId, id: after }));
        if (rows[0] === undefined) return null;
        from = rows[0]["seq"];
      }
      const { rows } = await database.run(LISTS[order], [
        accountId,
        kind,
        chainId ?? "",
        Number(from),
        limit,
        bytesMax,
      ]);
      const hasMore = rows[0] !== undefined && followingSchema.parse(rows[0]).following > rows.length;
      return { entries: rows.map(decodeEntryRow), hasMore };
    },
    async replace(key, content, { bytesMax }) {
      const { rows } = await database.run(REPLACE, [...bindKey(key), content, bytesMax]);
      return replacedSchema.parse(rows[0]).outcome;
    },
    async remove(key, extent) {
      const { rows } = await database.run(REMOVE, [...bindKey(key), extent === "chain"]);
      return rows[0]?.["removed"] === true;
    },
    async removeExpired(nowMs) {
      return (await database.run(REMOVE_EXPIRED, [nowMs, EXPIRED_CHAINS_MAX])).rowCount;
    },
    close: () => database.close(),
  };
}

function bindKey({ accountId, kind, id, chainId }: EntryKey): readonly string[] {
  return [accountId, kind, chainId ?? "", id];
}

/** The columns of all entries, one array each. */
function bindAddition({ accountId, chain, entries, onTaken, use }: Addition): readonly StatementValue[] {
  const joins = "joins" in chain ? chain.joins : null;
  const itemIds = entries.flatMap((entry, index) => entry.itemIds.map((id) => ({ id, owner: index + 1 })));
  return [
    accountId,
    "begins" in chain ? chain.begins : null,
    joins?.kind ?? null,
    joins?.id ?? null,
    onTaken === "refuse",
    use.nowMs,
    use.expiresAtMs,
    use.bytesMax,
    entries.map(({ kind }) => kind),
    entries.map(({ id }) => id),
    entries.map(({ previousId }) => previousId),
    entries.map(({ createdAtMs }) => createdAtMs),
    entries.map(countEntryBytes),
    entries.map(({ content }) => content),
    itemIds.map(({ id }) => id),
    itemIds.map(({ owner }) => owner),
  ];
}
