/** Entries in SQLite. A change is on the disk before the caller gets the result. */

import type { DatabaseSync } from "node:sqlite";
import { decodeEntryRow } from "./entry-row.ts";
import { EXPIRED_CHAINS_MAX, countEntryBytes, takePage } from "./entry-store.ts";
import type { Addition, Entry, EntryKey, EntryStore, NewEntry } from "./entry-store.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

const COLUMNS = ["kind", "id", "chain_id", "previous_id", "created_at_ms", "content"];
const BY_KEY = "account_id = ? AND kind = ? AND scope = ? AND id = ?";

export function createSqliteEntries(database: DatabaseSync, writer: SqliteWriter): Omit<EntryStore, "close"> {
  const select = `SELECT ${COLUMNS.join(", ")} FROM stored_entries`;
  const find = database.prepare(`${select} WHERE ${BY_KEY}`);
  const findChain = database.prepare(`
    WITH RECURSIVE steps (step, seq, previous_id) AS (
      SELECT 0, seq, previous_id FROM stored_entries WHERE ${BY_KEY}
      UNION ALL
      SELECT step + 1, before.seq, before.previous_id
      FROM steps JOIN stored_entries AS before
        ON before.account_id = ? AND before.kind = 'response' AND before.scope = '' AND before.id = steps.previous_id
    )
    SELECT ${COLUMNS.map((column) => `entry.${column}`).join(", ")}
    FROM steps JOIN stored_entries AS entry USING (seq) ORDER BY step`);
  const findByItem = database.prepare(`
    ${select} WHERE seq = (SELECT max(entry_seq) FROM stored_item_ids WHERE account_id = ? AND item_id = ?)`);
  const findSeq = database.prepare(`SELECT seq FROM stored_entries WHERE ${BY_KEY}`);
  const listed = `${select} WHERE account_id = ? AND kind = ? AND scope = ?`;
  const lists = {
    asc: database.prepare(`${listed} AND seq > ? ORDER BY seq LIMIT ?`),
    desc: database.prepare(`${listed} AND seq < ? ORDER BY seq DESC LIMIT ?`),
  };
  const changes = prepareChanges(database);
  return {
    insert: async (addition) => writer.writeDurably(() => changes.insert(addition)),
    async find(key) {
      const row = find.get(...bindKey(key));
      return row === undefined ? null : decodeEntryRow(row);
    },
    async findChain(accountId, id) {
      const key = bindKey({ accountId, kind: "response", id, chainId: null });
      return findChain.all(...key, accountId).map(decodeEntryRow);
    },
    async findByItems(accountId, itemIds) {
      return new Map(
        itemIds.flatMap((id) => {
          const row = findByItem.get(accountId, id);
          return row === undefined ? [] : [[id, decodeEntryRow(row)]];
        }),
      );
    },
    async list(page) {
      const { accountId, kind, chainId, after, limit, order } = page;
      const cursor = after === null ? null : findSeq.get(...bindKey({ accountId, kind, chainId, id: after }));
      if (cursor === undefined) return null;
      const from = cursor?.["seq"] ?? (order === "asc" ? 0 : Number.MAX_SAFE_INTEGER);
      return takePage(decodeRows(lists[order].iterate(accountId, kind, chainId ?? "", from, limit + 1)), page);
    },
    replace: async (key, content, { bytesMax }) => writer.writeDurably(() => changes.replace(key, content, bytesMax)),
    remove: async (key, extent) => writer.writeDurably(() => changes.remove(key, extent)),
    removeExpired: async (nowMs) => writer.write(() => changes.removeExpired(nowMs)),
  };
}

/** One at a time, so that no more of them are in memory than a page takes. */
function* decodeRows(rows: Iterable<Readonly<Record<string, unknown>>>): Generator<Entry, void> {
  for (const row of rows) yield decodeEntryRow(row);
}

/** Each runs in a transaction. */
function prepareChanges(database: DatabaseSync) {
  const findPlace = database.prepare(`
    SELECT entry.seq, entry.chain_id, chain.bytes AS chain_bytes, entry.bytes, length(entry.content) AS length
    FROM stored_entries AS entry JOIN stored_chains AS chain
      ON chain.account_id = entry.account_id AND chain.id = entry.chain_id
    WHERE entry.account_id = ? AND entry.kind = ? AND entry.scope = ? AND entry.id = ?`);
  const chainBytes = database.prepare("SELECT bytes FROM stored_chains WHERE account_id = ? AND id = ?");
  const useChain = database.prepare(`
    INSERT INTO stored_chains (account_id, id, bytes, used_at_ms, expires_at_ms) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (account_id, id) DO UPDATE SET
      bytes = bytes + excluded.bytes,
      used_at_ms = max(used_at_ms, excluded.used_at_ms),
      expires_at_ms = max(expires_at_ms, excluded.expires_at_ms)`);
  const addBytes = database.prepare("UPDATE stored_chains SET bytes = bytes + ? WHERE account_id = ? AND id = ?");
  const removeChain = database.prepare("DELETE FROM stored_chains WHERE account_id = ? AND id = ?");
  const isEmpty = database.prepare("SELECT 1 FROM stored_entries WHERE account_id = ? AND chain_id = ? LIMIT 1");
  const removeEntry = database.prepare("DELETE FROM stored_entries WHERE seq = ?");
  const replaceContent = database.prepare("UPDATE stored_entries SET content = ?, bytes = bytes + ? WHERE seq = ?");
  const listExpired = database.prepare("SELECT account_id, id FROM stored_chains WHERE expires_at_ms <= ? LIMIT ?");
  const makeRoom = prepareEviction(database);
  const insertEntry = prepareEntry(database);

  return {
    insert({ accountId, chain, entries, onTaken, use }: Addition) {
      const joined = "joins" in chain ? findPlace.get(...bindKey({ ...chain.joins, accountId, chainId: null })) : null;
      if (joined === undefined) return "absent";
      const chainId = "begins" in chain ? chain.begins : String(joined?.["chain_id"]);
      const isTaken = ({ kind, id }: NewEntry) =>
        kind === "item" && findPlace.get(...bindKey({ accountId, kind, id, chainId })) !== undefined;
      const added = entries.filter((entry) => !isTaken(entry));
      if (added.length < entries.length && onTaken === "refuse") return "taken";
      const bytes = added.reduce((sum, entry) => sum + countEntryBytes(entry), 0);
      const before = Number(chainBytes.get(accountId, chainId)?.["bytes"] ?? 0);
      if (before + bytes > use.bytesMax) return "full";
      makeRoom({ accountId, chainId }, bytes, use.bytesMax);
      useChain.run(accountId, chainId, bytes, use.nowMs, use.expiresAtMs);
      for (const entry of added) insertEntry({ accountId, chainId }, entry);
      return "stored";
    },
    replace(key: EntryKey, content: Uint8Array, bytesMax: number) {
      const found = findPlace.get(...bindKey(key));
      if (found === undefined) return "absent";
      const bytes = content.byteLength - Number(found["length"]);
      if (bytes > 0 && Number(found["chain_bytes"]) + bytes > bytesMax) return "full";
      const chain = { accountId: key.accountId, chainId: String(found["chain_id"]) };
      makeRoom(chain, bytes, bytesMax);
      replaceContent.run(content, bytes, Number(found["seq"]));
      addBytes.run(bytes, chain.accountId, chain.chainId);
      return "stored";
    },
    remove(key: EntryKey, extent: "entry" | "chain") {
      const found = findPlace.get(...bindKey(key));
      if (found === undefined) return false;
      const chain = [key.accountId, String(found["chain_id"])] as const;
      removeEntry.run(Number(found["seq"]));
      addBytes.run(-Number(found["bytes"]), ...chain);
      if (extent === "chain" || isEmpty.get(...chain) === undefined) removeChain.run(...chain);
      return true;
    },
    removeExpired(nowMs: number) {
      const chains = listExpired.all(nowMs, EXPIRED_CHAINS_MAX);
      for (const chain of chains) removeChain.run(String(chain["account_id"]), String(chain["id"]));
      return chains.length;
    },
  } as const;
}

interface ChainKey {
  readonly accountId: string;
  readonly chainId: string;
}

/** Evicts other chains of the account, the least recently used first, until so many bytes fit. */
function prepareEviction(database: DatabaseSync) {
  const accountBytes = database.prepare("SELECT sum(bytes) AS bytes FROM stored_chains WHERE account_id = ?");
  const removeOldest = database.prepare(`
    DELETE FROM stored_chains WHERE account_id = ?1 AND id = (
      SELECT id FROM stored_chains WHERE account_id = ?1 AND id <> ?2 ORDER BY used_at_ms, id LIMIT 1
    ) RETURNING bytes`);
  return ({ accountId, chainId }: ChainKey, bytes: number, bytesMax: number): void => {
    let excess = Number(accountBytes.get(accountId)?.["bytes"] ?? 0) + bytes - bytesMax;
    while (excess > 0) {
      const removed = removeOldest.get(accountId, chainId);
      if (removed === undefined) return;
      excess -= Number(removed["bytes"]);
    }
  };
}

function prepareEntry(database: DatabaseSync) {
  const insertEntry = database.prepare(`
    INSERT INTO stored_entries
      (account_id, kind, scope, id, chain_id, previous_id, created_at_ms, bytes, content)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const insertItemId = database.prepare("INSERT INTO stored_item_ids VALUES (?, ?, ?)");
  return ({ accountId, chainId }: ChainKey, entry: NewEntry): void => {
    const { kind, id, previousId, createdAtMs, content, itemIds } = entry;
    const scope = kind === "item" ? chainId : "";
    const bytes = countEntryBytes(entry);
    const values = [accountId, kind, scope, id, chainId, previousId, createdAtMs, bytes, content] as const;
    const { lastInsertRowid: seq } = insertEntry.run(...values);
    for (const itemId of itemIds) insertItemId.run(accountId, itemId, seq);
  };
}

function bindKey({ accountId, kind, id, chainId }: EntryKey) {
  return [accountId, kind, chainId ?? "", id] as const;
}
