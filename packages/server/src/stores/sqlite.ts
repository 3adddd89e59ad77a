/**
 * API keys in SQLite, in a file that only its owner can read. Several processes may use one file: the
 * server answers while the command line makes and revokes keys.
 */

import { chmodSync, closeSync, openSync } from "node:fs";
import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type * as sqliteModule from "node:sqlite";
import type { ApiKeyRecord, ApiKeyStore } from "@openai-compat/core";
import { z } from "zod";

/** One entry per version; a database at version n has had the first n. Never change an entry: add one. */
const MIGRATIONS = [
  `CREATE TABLE api_keys (
     id TEXT PRIMARY KEY,
     secret_sha256 TEXT NOT NULL UNIQUE,
     secret_tail TEXT NOT NULL,
     account_id TEXT NOT NULL,
     name TEXT NOT NULL,
     capabilities TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER,
     revoked_at_ms INTEGER
   ) STRICT`,
] as const;

/** How long one process waits for another's write. */
const BUSY_TIMEOUT_MS = 5000;
const OWNER_ONLY = 0o600;

/**
 * @param path a file, made when it is not there.
 * @throws Error when it can't be opened, is of a later version, or this Node.js has no SQLite (before 22.13).
 */
export function openSqliteStore(path: string): ApiKeyStore {
  const sqlite: typeof sqliteModule | undefined = process.getBuiltinModule("node:sqlite");
  if (sqlite === undefined) {
    throw new Error(
      `Node.js ${process.versions.node} has no SQLite. Use Node.js 22.13 or later, or a store in memory ("store": "memory").`,
    );
  }
  restrictToOwner(path);
  const database = new sqlite.DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS });
  database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
  migrate(database);
  const insert = database.prepare("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const find = database.prepare("SELECT * FROM api_keys WHERE secret_sha256 = ?");
  const list = database.prepare("SELECT * FROM api_keys ORDER BY created_at_ms DESC, id DESC");
  const revoke = database.prepare("UPDATE api_keys SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE id = ?");
  return {
    async insert(record) {
      insert.run(
        record.id,
        record.secretSha256,
        record.secretTail,
        record.accountId,
        record.name,
        JSON.stringify(record.capabilities),
        record.createdAtMs,
        record.expiresAtMs,
        record.revokedAtMs,
      );
    },
    async findBySecretSha256(secretSha256) {
      const row = find.get(secretSha256);
      return row === undefined ? null : decodeRow(row);
    },
    async list() {
      return list.all().map(decodeRow);
    },
    async revoke(id, revokedAtMs) {
      return revoke.run(revokedAtMs, id).changes > 0;
    },
    async close() {
      database.close();
    },
  };
}

/** SQLite gives its side files the mode of the main one, so it is enough that this one is right from the start. */
function restrictToOwner(path: string): void {
  closeSync(openSync(path, "a", OWNER_ONLY));
  chmodSync(path, OWNER_ONLY);
}

function migrate(database: DatabaseSync): void {
  database.exec("BEGIN IMMEDIATE");
  try {
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > MIGRATIONS.length) {
      throw new Error(`The database has version ${version}; this program knows ${MIGRATIONS.length}. Use a newer one.`);
    }
    for (const statement of MIGRATIONS.slice(version)) database.exec(statement);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
    database.exec("COMMIT");
  } catch (thrown) {
    database.exec("ROLLBACK");
    database.close();
    throw thrown;
  }
}

const capabilitiesSchema = z.array(
  z.object({ domain: z.string(), pointers: z.array(z.string()), can: z.array(z.string()) }),
);

/** @throws Error when something other than this program wrote the row. */
function decodeRow(row: Readonly<Record<string, SQLOutputValue>>): ApiKeyRecord {
  const readTime = (column: string) => (row[column] === null ? null : Number(row[column]));
  return {
    id: String(row["id"]),
    secretSha256: String(row["secret_sha256"]),
    secretTail: String(row["secret_tail"]),
    accountId: String(row["account_id"]),
    name: String(row["name"]),
    capabilities: capabilitiesSchema.parse(JSON.parse(String(row["capabilities"]))),
    createdAtMs: Number(row["created_at_ms"]),
    expiresAtMs: readTime("expires_at_ms"),
    revokedAtMs: readTime("revoked_at_ms"),
  };
}
