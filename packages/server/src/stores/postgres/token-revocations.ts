/** Revoked tokens in PostgreSQL. */

import type { TokenRevocationStore } from "@openai-compat/core";
import type { Database, Statement } from "./database.ts";

const REVOKE: Statement = {
  name: "revoke_token",
  text: `
    INSERT INTO revoked_tokens VALUES ($1, $2) ON CONFLICT (token_sha256) DO UPDATE
    SET expires_at_ms = greatest(revoked_tokens.expires_at_ms, excluded.expires_at_ms)`,
};
const FIND: Statement = { name: "find_revoked_token", text: "SELECT FROM revoked_tokens WHERE token_sha256 = $1" };
const PRUNE: Statement = { name: "prune_revoked_tokens", text: "DELETE FROM revoked_tokens WHERE expires_at_ms <= $1" };

export function createTokenRevocationStore(database: Database): TokenRevocationStore {
  return {
    async revoke(tokenSha256, expiresAtMs) {
      await database.run(REVOKE, [tokenSha256, expiresAtMs]);
    },
    async isRevoked(tokenSha256) {
      const { rowCount } = await database.run(FIND, [tokenSha256]);
      return rowCount > 0;
    },
    async prune(nowMs) {
      const { rowCount } = await database.run(PRUNE, [nowMs]);
      return rowCount;
    },
    close: () => database.close(),
  };
}
