/** API keys in PostgreSQL. */

import type { ApiKeyRecord, ApiKeyStore } from "@openai-compat/core";
import { z } from "zod";
import { isUniqueViolation } from "./database.ts";
import type { Database, Statement } from "./database.ts";

const INSERT: Statement = {
  name: "insert_api_key",
  text: "INSERT INTO api_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
};
const FIND: Statement = { name: "find_api_key", text: "SELECT * FROM api_keys WHERE secret_sha256 = $1" };
const LIST: Statement = { name: "list_api_keys", text: "SELECT * FROM api_keys ORDER BY created_at_ms DESC, id DESC" };
const REVOKE: Statement = {
  name: "revoke_api_key",
  text: "UPDATE api_keys SET revoked_at_ms = coalesce(revoked_at_ms, $2) WHERE id = $1",
};

const rowSchema = z.object({
  id: z.string(),
  secret_sha256: z.string(),
  secret_tail: z.string(),
  account_id: z.string(),
  name: z.string(),
  capabilities: z.array(z.object({ domain: z.string(), pointers: z.array(z.string()), can: z.array(z.string()) })),
  created_at_ms: z.number(),
  expires_at_ms: z.number().nullable(),
  revoked_at_ms: z.number().nullable(),
});

export function createApiKeyStore(database: Database): ApiKeyStore {
  return {
    async insert(record) {
      const values = [record.id, record.secretSha256, record.secretTail, record.accountId, record.name];
      const times = [record.createdAtMs, record.expiresAtMs, record.revokedAtMs];
      try {
        await database.run(INSERT, [...values, JSON.stringify(record.capabilities), ...times]);
      } catch (thrown) {
        if (isUniqueViolation(thrown)) {
          throw new Error("There is a key with this id or secret already.", { cause: thrown });
        }
        throw thrown;
      }
    },
    async findBySecretSha256(secretSha256) {
      const { rows } = await database.run(FIND, [secretSha256]);
      return rows[0] === undefined ? null : decodeRow(rows[0]);
    },
    async list() {
      const { rows } = await database.run(LIST, []);
      return rows.map(decodeRow);
    },
    async revoke(id, revokedAtMs) {
      const { rowCount } = await database.run(REVOKE, [id, revokedAtMs]);
      return rowCount > 0;
    },
    close: () => database.close(),
  };
}

/** @throws Error when something other than this program wrote the row. */
function decodeRow(row: Readonly<Record<string, unknown>>): ApiKeyRecord {
  const key = rowSchema.parse(row);
  return {
    id: key.id,
    secretSha256: key.secret_sha256,
    secretTail: key.secret_tail,
    accountId: key.account_id,
    name: key.name,
    capabilities: key.capabilities,
    createdAtMs: key.created_at_ms,
    expiresAtMs: key.expires_at_ms,
    revokedAtMs: key.revoked_at_ms,
  };
}
