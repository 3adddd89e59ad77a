/** Revoked tokens in SQLite. A revocation is on the disk before anyone is told. */

import type { DatabaseSync } from "node:sqlite";
import type { TokenRevocationStore } from "@openai-compat/core";
import type { SqliteWriter } from "./sqlite-writer.ts";

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
  return {
    async revoke(tokenSha256, expiresAtMs) {
      await writer.writeDurably(() => revoke.run(tokenSha256, expiresAtMs));
    },
    async isRevoked(tokenSha256) {
      return find.get(tokenSha256) !== undefined;
    },
    async prune(nowMs) {
      return writer.write(() => Number(prune.run(nowMs).changes));
    },
  };
}
