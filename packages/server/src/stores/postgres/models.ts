/** Stored models in PostgreSQL. Each change is one statement, which makes the next revision too. */

import type { ModelStore } from "@openai-compat/core";
import { decodeDefaultRows, decodeModelRow } from "../model-row.ts";
import type { Database, Statement } from "./database.ts";

const READ_REVISION: Statement = { name: "read_model_revision", text: "SELECT revision FROM model_revision" };
const LIST: Statement = { name: "list_models", text: "SELECT * FROM stored_models ORDER BY created_at_ms, id" };
const LIST_DEFAULTS: Statement = { name: "list_model_defaults", text: "SELECT type, model_id FROM model_defaults" };
/** $1 to $4 id, definition, secrets and when, $5 how many models there may be. */
const INSERT: Statement = {
  name: "insert_model",
  text: `
    WITH inserted AS (
      INSERT INTO stored_models
      SELECT $1, $2, $3, (SELECT revision + 1 FROM model_revision), $4::bigint, $4::bigint
      WHERE (SELECT count(*) FROM stored_models) < $5::bigint
      ON CONFLICT (id) DO NOTHING
      RETURNING id
    ), bumped AS (
      UPDATE model_revision SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM inserted)
    )
    SELECT
      EXISTS (SELECT 1 FROM inserted) AS is_stored,
      (SELECT count(*) FROM stored_models) >= $5::bigint
        AND NOT EXISTS (SELECT 1 FROM stored_models WHERE id = $1) AS is_full`,
};
/** $1 to $4 id, definition, secrets and when, $5 the version before. */
const UPDATE: Statement = {
  name: "update_model",
  text: `
    WITH changed AS (
      UPDATE stored_models
      SET definition = $2, secrets = $3, updated_at_ms = $4::bigint,
        version = (SELECT revision + 1 FROM model_revision)
      WHERE id = $1 AND version = $5::bigint
      RETURNING id
    )
    UPDATE model_revision SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM changed)`,
};
const REMOVE: Statement = {
  name: "remove_model",
  text: `
    WITH removed AS (DELETE FROM stored_models WHERE id = $1 RETURNING id),
    undefaulted AS (DELETE FROM model_defaults WHERE model_id IN (SELECT id FROM removed))
    UPDATE model_revision SET revision = revision + 1 WHERE EXISTS (SELECT 1 FROM removed)`,
};
const SET_DEFAULT: Statement = {
  name: "set_default_model",
  text: `
    WITH changed AS (
      INSERT INTO model_defaults VALUES ($1, $2) ON CONFLICT (type) DO UPDATE SET model_id = excluded.model_id
    )
    UPDATE model_revision SET revision = revision + 1`,
};

export function createModelStore(database: Database): ModelStore {
  const readRevision = async () => Number((await database.run(READ_REVISION, [])).rows[0]?.["revision"]);
  return {
    readRevision,
    async read() {
      // First: what changes after it is seen by the next look at the revision.
      const revision = await readRevision();
      const models = (await database.run(LIST, [])).rows.map(decodeModelRow);
      return { revision, models, defaults: decodeDefaultRows((await database.run(LIST_DEFAULTS, [])).rows) };
    },
    async insert({ id, definition, secrets, createdAtMs }, modelsMax) {
      const { rows } = await database.run(INSERT, [id, definition, secrets, createdAtMs, modelsMax]);
      if (rows[0]?.["is_stored"] === true) return "stored";
      return rows[0]?.["is_full"] === true ? "full" : "taken";
    },
    async update({ id, definition, secrets, updatedAtMs, version }) {
      const { rowCount } = await database.run(UPDATE, [id, definition, secrets, updatedAtMs, version]);
      return rowCount > 0;
    },
    async remove(id) {
      const { rowCount } = await database.run(REMOVE, [id]);
      return rowCount > 0;
    },
    async setDefault(type, id) {
      await database.run(SET_DEFAULT, [type, id]);
    },
    close: () => database.close(),
  };
}
