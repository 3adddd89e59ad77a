/** Client secrets in SQLite. They live for minutes: a loss of power may take the newest. */

import type { DatabaseSync } from "node:sqlite";
import type { ClientSecretStore } from "@openai-compat/core";
import { decodeClientSecretRow, encodeClientSecretRow } from "./client-secret-row.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

export function createSqliteClientSecrets(
  database: DatabaseSync,
  writer: SqliteWriter,
): Omit<ClientSecretStore, "close"> {
  const insert = database.prepare("INSERT INTO client_secrets VALUES (?, ?, ?, ?, ?, ?, ?, ?)");
  const count = database.prepare(
    "SELECT count(*) AS usable FROM client_secrets WHERE account_id = ? AND expires_at_ms > ?",
  );
  const find = database.prepare("SELECT * FROM client_secrets WHERE secret_sha256 = ?");
  const prune = database.prepare("DELETE FROM client_secrets WHERE expires_at_ms <= ?");
  return {
    async insert(record, accountMax) {
      return writer.write(() => {
        if (Number(count.get(record.accountId, record.createdAtMs)?.["usable"]) >= accountMax) return false;
        insert.run(...encodeClientSecretRow(record));
        return true;
      });
    },
    async findBySecretSha256(secretSha256) {
      const row = find.get(secretSha256);
      return row === undefined ? null : decodeClientSecretRow(row);
    },
    async prune(nowMs) {
      return writer.write(() => Number(prune.run(nowMs).changes));
    },
  };
}
