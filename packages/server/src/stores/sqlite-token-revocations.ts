/** Revoked tokens in SQLite. A revocation is on the disk before the caller gets the result. */

import type { DatabaseSync } from "node:sqlite";
import type { TokenRevocationStore } from "@openai-compat/core";
import type { SqliteLookups } from "./sqlite-lookups.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

export function createSqliteTokenRevocations(
  database: DatabaseSync,
  writer: SqliteWriter,
  lookups: SqliteLookups,
): Omit<TokenRevocationStore, "close"> {
  const revoke = database.prepare(
    `INSERT INTO token_revocations VALUES (?, ?)
     ON CONFLICT DO UPDATE SET expires_at_ms = max(expires_at_ms, excluded.expires_at_ms)`,
  );
  const find = database.prepare("SELECT 1 FROM token_revocations WHERE token_sha256 = ?");
  const prune = database.prepare("DELETE FROM token_revocations WHERE expires_at_ms <= ?");
  const revoked = lookups.remember((tokenSha256) => find.get(tokenSha256) !== undefined);
  return {
    async revoke(tokenSha256, expiresAtMs) {
      await revoked.forgetAfter(writer.writeDurably(() => revoke.run(tokenSha256, expiresAtMs)));
    },
    isRevoked: async (tokenSha256) => revoked.find(tokenSha256),
    async prune(nowMs) {
      return revoked.forgetAfter(writer.write(() => Number(prune.run(nowMs).changes)));
    },
  };
}
