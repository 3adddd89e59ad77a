/** Client secrets in PostgreSQL. */

import type { ClientSecretStore } from "@openai-compat/core";
import { decodeClientSecretRow, encodeClientSecretRow } from "../client-secret-row.ts";
import type { Database, Statement } from "./database.ts";

/** $1 to $8 the columns, $9 how many an account may have. One row when it is stored, none when it has as many. */
const INSERT: Statement = {
  name: "insert_client_secret",
  text: `
    INSERT INTO client_secrets
    SELECT $1, $2, $3, $4, $5, $6::bigint, $7::bigint, $8::bigint
    WHERE (SELECT count(*) FROM client_secrets WHERE account_id = $2 AND expires_at_ms > $7::bigint) < $9::bigint`,
};
const FIND: Statement = {
  name: "find_client_secret",
  text: "SELECT * FROM client_secrets WHERE secret_sha256 = $1",
};
const PRUNE: Statement = { name: "prune_client_secrets", text: "DELETE FROM client_secrets WHERE expires_at_ms <= $1" };

export function createClientSecretStore(database: Database): ClientSecretStore {
  return {
    async insert(record, accountMax) {
      const { rowCount } = await database.run(INSERT, [...encodeClientSecretRow(record), accountMax]);
      return rowCount > 0;
    },
    async findBySecretSha256(secretSha256) {
      const { rows } = await database.run(FIND, [secretSha256]);
      return rows[0] === undefined ? null : decodeClientSecretRow(rows[0]);
    },
    async prune(nowMs) {
      const { rowCount } = await database.run(PRUNE, [nowMs]);
      return rowCount;
    },
    close: () => database.close(),
  };
}
