/** Revoked tokens in SQLite. A revocation is on the disk before the caller gets the result. */

import type { DatabaseSync } from "node:sqlite";
import type { TokenRevocationStore } from "@openai-compat/core";
import type { SqliteWriter } from "./sqlite-writer.ts";

/** Answers that are remembered until the database changes. */
const REMEMBERED_MAX = 10_000;

export function createSqliteTokenRevocations(
  database: DatabaseSync,
  writer: SqliteWriter,
): Omit<TokenRevocationStore, "close"> {
  const revoke = database.prepare(
    `INSERT INTO token_revocations VALUES (?, ?)
     ON CONFLICT DO UPDATE SET expires_at_ms = max(expires_at_ms, excluded.expires_at_ms)`,
  );
  const find = database.prepare("SELECT 1 FROM token_revocations WHERE token_sha256 = ?");
  const prune = database.prepare("DELETE FROM token_revocations WHERE expires_at_ms <= ?");
  const remembered = new Map<string, boolean>();
  const forgetAfter = <Result>(written: Promise<Result>) => written.finally(() => remembered.clear());
  const forgetOthersWrites = watchOtherWriters(database, () => remembered.clear());
  return {
    async revoke(tokenSha256, expiresAtMs) {
      await forgetAfter(writer.writeDurably(() => revoke.run(tokenSha256, expiresAtMs)));
    },
    async isRevoked(tokenSha256) {
      forgetOthersWrites();
      const known = remembered.get(tokenSha256);
      if (known !== undefined) return known;
      const isRevoked = find.get(tokenSha256) !== undefined;
      if (remembered.size >= REMEMBERED_MAX) remembered.clear();
      remembered.set(tokenSha256, isRevoked);
      return isRevoked;
    },
    async prune(nowMs) {
      return forgetAfter(writer.write(() => Number(prune.run(nowMs).changes)));
    },
  };
}

/**
 * Returns a function that calls `onWrite` when another connection has committed since it was last asked. It looks once
 * in a turn of the event loop: what one turn serves came together, and a look costs as much as a query.
 *
 * @see https://sqlite.org/pragma.html#pragma_data_version
 */
function watchOtherWriters(database: DatabaseSync, onWrite: () => void): () => void {
  const readVersion = database.prepare("PRAGMA data_version");
  let seen = readVersion.get()?.["data_version"];
  let hasLooked = false;
  return () => {
    if (hasLooked) return;
    hasLooked = true;
    setImmediate(() => (hasLooked = false));
    const version = readVersion.get()?.["data_version"];
    if (version === seen) return;
    seen = version;
    onWrite();
  };
}
