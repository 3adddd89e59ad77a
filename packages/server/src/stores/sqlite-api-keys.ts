/** API keys in SQLite. Creating and revoking one is on the disk before the caller gets the result. */

import type { DatabaseSync, SQLOutputValue } from "node:sqlite";
import type { ApiKeyRecord, ApiKeyStore } from "@openai-compat/core";
import { z } from "zod";
import type { SqliteLookups } from "./sqlite-lookups.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

export function createSqliteApiKeys(
  database: DatabaseSync,
  writer: SqliteWriter,
  lookups: SqliteLookups,
): Omit<ApiKeyStore, "close"> {
  const insert = database.prepare("INSERT INTO api_keys VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
  const find = database.prepare("SELECT * FROM api_keys WHERE secret_sha256 = ?");
  const list = database.prepare("SELECT * FROM api_keys ORDER BY created_at_ms DESC, id DESC");
  const revoke = database.prepare("UPDATE api_keys SET revoked_at_ms = coalesce(revoked_at_ms, ?) WHERE id = ?");
  const findRecord = (secretSha256: string): ApiKeyRecord | null => {
    const row = find.get(secretSha256);
    return row === undefined ? null : decodeRow(row);
  };
  // Whoever guesses keys must not make the server forget the good ones.
  const found = lookups.remember(findRecord, (record) => record !== null);
  return {
    async insert(record) {
      const { id, secretSha256, secretTail, accountId, name, createdAtMs, expiresAtMs, revokedAtMs } = record;
      const capabilities = JSON.stringify(record.capabilities);
      await writer.writeDurably(() =>
        insert.run(id, secretSha256, secretTail, accountId, name, capabilities, createdAtMs, expiresAtMs, revokedAtMs),
      );
    },
    findBySecretSha256: async (secretSha256) => found.find(secretSha256),
    async list() {
      return list.all().map(decodeRow);
    },
    async revoke(id, revokedAtMs) {
      return found.forgetAfter(writer.writeDurably(() => revoke.run(revokedAtMs, id).changes > 0));
    },
  };
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
