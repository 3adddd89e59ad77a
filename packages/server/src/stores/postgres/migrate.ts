/**
 * The tables, and how a database gets them. Several servers may start at once: one migrates, the others wait for it.
 */

import type pgModule from "pg";
import { connectionOptions, toDatabaseError } from "./database.ts";
import { STORED_ENTRIES } from "./entry-tables.ts";
import { RESPONSE_RUNS } from "./run-tables.ts";

/** One entry per version; a database at version n has had the first n. Never change an entry: add one. */
const MIGRATIONS = [
  `
  CREATE TABLE api_keys (
    id text PRIMARY KEY,
    secret_sha256 text NOT NULL UNIQUE,
    secret_tail text NOT NULL,
    account_id text NOT NULL,
    name text NOT NULL,
    capabilities json NOT NULL,
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint,
    revoked_at_ms bigint
  );

  CREATE TABLE revoked_tokens (
    token_sha256 text PRIMARY KEY,
    expires_at_ms bigint NOT NULL
  );
  CREATE INDEX ON revoked_tokens (expires_at_ms);

  CREATE TABLE accounts (
    id text PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance <= 9007199254740991),
    held bigint NOT NULL CHECK (held >= 0),
    CHECK (balance >= held)
  );

  CREATE TABLE holds (
    id text PRIMARY KEY,
    account_id text NOT NULL,
    amount bigint NOT NULL CHECK (amount >= 1),
    expires_at_ms bigint NOT NULL
  );
  CREATE INDEX ON holds (expires_at_ms);

  CREATE TABLE ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    account_id text NOT NULL,
    amount bigint NOT NULL,
    created_at_ms bigint NOT NULL,
    grant_id text UNIQUE,
    note text,
    operation text,
    model_id text,
    request_id text,
    input_tokens bigint,
    cached_tokens bigint,
    output_tokens bigint,
    audio_ms bigint,
    characters bigint,
    CHECK (
      CASE WHEN grant_id IS NULL
        THEN amount <= 0 AND note IS NULL AND num_nulls(
          operation, model_id, request_id, input_tokens, cached_tokens, output_tokens, audio_ms, characters
        ) = 0
        ELSE amount <> 0 AND note IS NOT NULL AND operation IS NULL
      END
    )
  );
  CREATE INDEX ON ledger (account_id, id DESC);

  -- The columns, in this order, are those that rate-limiter-flexible writes.
  CREATE TABLE rate_limits (
    key text PRIMARY KEY,
    points bigint NOT NULL,
    expire bigint NOT NULL
  );
  `,
  `
  CREATE TABLE write_probes (
    id integer PRIMARY KEY CHECK (id = 1),
    count integer NOT NULL
  );
  `,
  `
  CREATE TABLE client_secrets (
    secret_sha256 text PRIMARY KEY,
    account_id text NOT NULL,
    configuration text,
    maker_credential text NOT NULL,
    maker_sha256 text NOT NULL,
    maker_expires_at_ms bigint,
    created_at_ms bigint NOT NULL,
    expires_at_ms bigint NOT NULL
  );
  CREATE INDEX ON client_secrets (account_id);
  CREATE INDEX ON client_secrets (expires_at_ms);
  `,
  `
  CREATE TABLE stored_models (
    id text PRIMARY KEY,
    definition text NOT NULL,
    secrets text,
    version bigint NOT NULL,
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL
  );

  CREATE TABLE model_defaults (
    type text PRIMARY KEY,
    model_id text NOT NULL
  );

  CREATE TABLE model_revision (
    id integer PRIMARY KEY CHECK (id = 1),
    revision bigint NOT NULL
  );
  INSERT INTO model_revision VALUES (1, 0);

  CREATE TABLE tasks (
    id text PRIMARY KEY,
    account_id text NOT NULL,
    content text NOT NULL,
    created_at_ms bigint NOT NULL,
    updated_at_ms bigint NOT NULL
  );
  CREATE INDEX ON tasks (account_id);
  `,
  STORED_ENTRIES,
  RESPONSE_RUNS,
] as const;

/** What a database has that is up to date. */
export const POSTGRES_VERSION = MIGRATIONS.length;

/** Any number, as long as no other program locks the same one in this database. */
const MIGRATION_LOCK = 7_215_093_511;
/** For all migrations together, the wait for another server's included. */
const MIGRATION_TIMEOUT_MS = 60_000;

/**
 * @param options.connectionTimeoutMs how long the connection may take to open.
 * @throws Error when the database can't be reached, refuses, or is of a later version; then nothing has changed.
 */
export async function migrate(
  pg: typeof pgModule,
  options: { readonly url: string; readonly connectionTimeoutMs: number },
): Promise<void> {
  const client = new pg.Client({
    ...connectionOptions(pg, options.url),
    connectionTimeoutMillis: options.connectionTimeoutMs,
    statement_timeout: MIGRATION_TIMEOUT_MS,
    query_timeout: MIGRATION_TIMEOUT_MS,
  });
  // A connection that is lost fails the statement under way, which throws; the event would end the process besides.
  client.on("error", () => {});
  try {
    await client.connect();
    await client.query("BEGIN");
    await client.query("SELECT pg_advisory_xact_lock($1)", [MIGRATION_LOCK]);
    await applyMissing(client);
    await client.query("COMMIT");
  } catch (thrown) {
    throw toDatabaseError(thrown);
  } finally {
    // What was not committed is rolled back with the end of the connection.
    await client.end();
  }
}

async function applyMissing(client: pgModule.Client): Promise<void> {
  await client.query("CREATE TABLE IF NOT EXISTS openai_compat_version (version integer NOT NULL)");
  const { rows } = await client.query<{ version: number }>("SELECT version FROM openai_compat_version");
  const version = rows[0]?.version ?? 0;
  if (version > MIGRATIONS.length) {
    throw new Error(`The database has version ${version}; this program knows ${MIGRATIONS.length}. Use a newer one.`);
  }
  if (version === MIGRATIONS.length) return;
  for (const statements of MIGRATIONS.slice(version)) await client.query(statements);
  await client.query("DELETE FROM openai_compat_version");
  await client.query("INSERT INTO openai_compat_version VALUES ($1)", [MIGRATIONS.length]);
}
