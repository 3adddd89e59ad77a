/** The tables of a SQLite store, and the way to them from every version that there ever was. */

import type { DatabaseSync } from "node:sqlite";
import { runTransaction } from "./sqlite-transaction.ts";

/**
 * One entry per version; a database at version n has had the first n. Never change an entry: add one.
 *
 * The conditions on `accounts` are the last line of defence. Should a mistake in this program ever break one, the
 * transaction fails and no credits change.
 */
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

  `CREATE TABLE accounts (
     id TEXT PRIMARY KEY,
     balance INTEGER NOT NULL CHECK (balance BETWEEN 0 AND 9007199254740991),
     held INTEGER NOT NULL CHECK (held BETWEEN 0 AND balance)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE holds (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     amount INTEGER NOT NULL CHECK (amount >= 1),
     expires_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX holds_by_expiry ON holds (expires_at_ms);

   CREATE TABLE ledger (
     id INTEGER PRIMARY KEY,
     account_id TEXT NOT NULL,
     amount INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     grant_id TEXT,
     note TEXT,
     operation TEXT,
     model_id TEXT,
     request_id TEXT,
     input_tokens INTEGER,
     cached_tokens INTEGER,
     output_tokens INTEGER,
     audio_ms INTEGER,
     characters INTEGER,
     CHECK ((grant_id IS NULL) = (operation IS NOT NULL))
   ) STRICT;
   CREATE INDEX ledger_by_account ON ledger (account_id);
   CREATE UNIQUE INDEX ledger_by_grant ON ledger (grant_id) WHERE grant_id IS NOT NULL;

   CREATE TABLE token_revocations (
     token_sha256 TEXT PRIMARY KEY,
     expires_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX token_revocations_by_expiry ON token_revocations (expires_at_ms)`,

  `CREATE TABLE write_probes (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     count INTEGER NOT NULL
   ) STRICT`,

  `CREATE TABLE client_secrets (
     secret_sha256 TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     configuration TEXT,
     maker_credential TEXT NOT NULL,
     maker_sha256 TEXT NOT NULL,
     maker_expires_at_ms INTEGER,
     created_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX client_secrets_by_account ON client_secrets (account_id);
   CREATE INDEX client_secrets_by_expiry ON client_secrets (expires_at_ms)`,

  `CREATE TABLE stored_models (
     id TEXT PRIMARY KEY,
     definition TEXT NOT NULL,
     secrets TEXT,
     version INTEGER NOT NULL,
     created_at_ms INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE model_defaults (
     type TEXT PRIMARY KEY,
     model_id TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE model_revision (
     id INTEGER PRIMARY KEY CHECK (id = 1),
     revision INTEGER NOT NULL
   ) STRICT;
   INSERT INTO model_revision VALUES (1, 0);

   CREATE TABLE tasks (
     id TEXT PRIMARY KEY,
     account_id TEXT NOT NULL,
     content TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     updated_at_ms INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX tasks_by_account ON tasks (account_id)`,

  `CREATE TABLE stored_chains (
     account_id TEXT NOT NULL,
     id TEXT NOT NULL,
     bytes INTEGER NOT NULL CHECK (bytes >= 0),
     used_at_ms INTEGER NOT NULL,
     expires_at_ms INTEGER NOT NULL,
     PRIMARY KEY (account_id, id)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX stored_chains_by_use ON stored_chains (account_id, used_at_ms, id, bytes);
   CREATE INDEX stored_chains_by_expiry ON stored_chains (expires_at_ms);

   CREATE TABLE stored_entries (
     seq INTEGER PRIMARY KEY,
     account_id TEXT NOT NULL,
     kind TEXT NOT NULL,
     scope TEXT NOT NULL,
     id TEXT NOT NULL,
     chain_id TEXT NOT NULL,
     previous_id TEXT,
     created_at_ms INTEGER NOT NULL,
     bytes INTEGER NOT NULL,
     content BLOB NOT NULL,
     UNIQUE (account_id, kind, scope, id),
     FOREIGN KEY (account_id, chain_id) REFERENCES stored_chains (account_id, id) ON DELETE CASCADE
   ) STRICT;
   CREATE INDEX stored_entries_by_chain ON stored_entries (account_id, chain_id);
   CREATE INDEX stored_entries_in_order ON stored_entries (account_id, kind, scope, seq);

   CREATE TABLE stored_item_ids (
     account_id TEXT NOT NULL,
     item_id TEXT NOT NULL,
     entry_seq INTEGER NOT NULL REFERENCES stored_entries (seq) ON DELETE CASCADE,
     PRIMARY KEY (account_id, item_id, entry_seq)
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX stored_item_ids_by_entry ON stored_item_ids (entry_seq)`,

  `CREATE TABLE response_runs (
     account_id TEXT NOT NULL,
     id TEXT NOT NULL,
     owner TEXT NOT NULL,
     created_at_ms INTEGER NOT NULL,
     lease_until_ms INTEGER,
     kept_until_ms INTEGER,
     is_cancelling INTEGER NOT NULL,
     event_count INTEGER NOT NULL,
     content BLOB NOT NULL,
     checkpoint BLOB,
     PRIMARY KEY (account_id, id)
   ) STRICT;
   CREATE INDEX response_runs_by_lease ON response_runs (lease_until_ms);
   CREATE INDEX response_runs_by_expiry ON response_runs (kept_until_ms);

   CREATE TABLE response_run_events (
     account_id TEXT NOT NULL,
     run_id TEXT NOT NULL,
     first_number INTEGER NOT NULL,
     last_number INTEGER NOT NULL,
     content BLOB NOT NULL,
     PRIMARY KEY (account_id, run_id, first_number),
     FOREIGN KEY (account_id, run_id) REFERENCES response_runs (account_id, id) ON DELETE CASCADE
   ) STRICT`,
] as const;

/** What a database has that is up to date. */
export const SQLITE_VERSION = MIGRATIONS.length;

/** Several processes may do so at once. @throws Error when the database is of a later version; it is left as it is. */
export function migrate(database: DatabaseSync): void {
  runTransaction(database, () => {
    const version = Number(database.prepare("PRAGMA user_version").get()?.["user_version"]);
    if (version > MIGRATIONS.length) {
      throw new Error(`The database has version ${version}; this program knows ${MIGRATIONS.length}. Use a newer one.`);
    }
    for (const statements of MIGRATIONS.slice(version)) database.exec(statements);
    database.exec(`PRAGMA user_version = ${MIGRATIONS.length}`);
  });
}
