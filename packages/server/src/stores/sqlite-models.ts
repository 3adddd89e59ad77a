/** Stored models in SQLite. A change is on the disk before the caller gets the result. */

import type { DatabaseSync } from "node:sqlite";
import type { ModelStore } from "@openai-compat/core";
import { decodeDefaultRows, decodeModelRow } from "./model-row.ts";
import type { SqliteWriter } from "./sqlite-writer.ts";

export function createSqliteModels(database: DatabaseSync, writer: SqliteWriter): Omit<ModelStore, "close"> {
  const readRevision = database.prepare("SELECT revision FROM model_revision");
  const bump = database.prepare("UPDATE model_revision SET revision = revision + 1 RETURNING revision");
  const list = database.prepare("SELECT * FROM stored_models ORDER BY created_at_ms, id");
  const listDefaults = database.prepare("SELECT type, model_id FROM model_defaults");
  const find = database.prepare("SELECT version FROM stored_models WHERE id = ?");
  const count = database.prepare("SELECT count(*) AS models FROM stored_models");
  const insert = database.prepare("INSERT INTO stored_models VALUES (?, ?, ?, ?, ?, ?)");
  const update = database.prepare(
    "UPDATE stored_models SET definition = ?, secrets = ?, version = ?, updated_at_ms = ? WHERE id = ?",
  );
  const remove = database.prepare("DELETE FROM stored_models WHERE id = ?");
  const removeDefaults = database.prepare("DELETE FROM model_defaults WHERE model_id = ?");
  const setDefault = database.prepare(
    "INSERT INTO model_defaults VALUES (?, ?) ON CONFLICT (type) DO UPDATE SET model_id = excluded.model_id",
  );
  const nextRevision = () => Number(bump.get()?.["revision"]);
  const revision = () => Number(readRevision.get()?.["revision"]);
  return {
    readRevision: async () => revision(),
    async read() {
      const read = revision();
      return {
        revision: read,
        models: list.all().map(decodeModelRow),
        defaults: decodeDefaultRows(listDefaults.all()),
      };
    },
    async insert({ id, definition, secrets, createdAtMs }, modelsMax) {
      return writer.writeDurably(() => {
        if (find.get(id) !== undefined) return "taken";
        if (Number(count.get()?.["models"]) >= modelsMax) return "full";
        insert.run(id, definition, secrets, nextRevision(), createdAtMs, createdAtMs);
        return "stored";
      });
    },
    async update({ id, definition, secrets, updatedAtMs, version }) {
      return writer.writeDurably(() => {
        if (find.get(id)?.["version"] !== version) return false;
        update.run(definition, secrets, nextRevision(), updatedAtMs, id);
        return true;
      });
    },
    async remove(id) {
      return writer.writeDurably(() => {
        if (remove.run(id).changes === 0) return false;
        removeDefaults.run(id);
        nextRevision();
        return true;
      });
    },
    async setDefault(type, id) {
      await writer.writeDurably(() => {
        setDefault.run(type, id);
        nextRevision();
      });
    },
  };
}
