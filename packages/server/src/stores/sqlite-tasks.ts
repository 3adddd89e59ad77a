/** Tasks in SQLite. A change is on the disk before the caller gets the result. */

import type { DatabaseSync } from "node:sqlite";
import type { TaskStore } from "@openai-compat/core";
import type { SqliteWriter } from "./sqlite-writer.ts";
import { decodeTaskRow, encodeTaskContent } from "./task-row.ts";

export function createSqliteTasks(database: DatabaseSync, writer: SqliteWriter): Omit<TaskStore, "close"> {
  const list = database.prepare("SELECT * FROM tasks WHERE account_id = ? ORDER BY created_at_ms, id");
  const find = database.prepare("SELECT * FROM tasks WHERE account_id = ? AND id = ?");
  const count = database.prepare("SELECT count(*) AS tasks FROM tasks WHERE account_id = ?");
  const insert = database.prepare("INSERT INTO tasks VALUES (?, ?, ?, ?, ?)");
  const update = database.prepare("UPDATE tasks SET content = ?, updated_at_ms = ? WHERE account_id = ? AND id = ?");
  const remove = database.prepare("DELETE FROM tasks WHERE account_id = ? AND id = ?");
  return {
    list: async (accountId) => list.all(accountId).map(decodeTaskRow),
    async find(accountId, id) {
      const row = find.get(accountId, id);
      return row === undefined ? null : decodeTaskRow(row);
    },
    async insert(task, accountMax) {
      const { id, accountId, createdAtMs, updatedAtMs } = task;
      return writer.writeDurably(() => {
        if (Number(count.get(accountId)?.["tasks"]) >= accountMax) return false;
        insert.run(id, accountId, encodeTaskContent(task), createdAtMs, updatedAtMs);
        return true;
      });
    },
    async update(task) {
      const { id, accountId, updatedAtMs } = task;
      return writer.writeDurably(() => update.run(encodeTaskContent(task), updatedAtMs, accountId, id).changes > 0);
    },
    async remove(accountId, id) {
      return writer.writeDurably(() => remove.run(accountId, id).changes > 0);
    },
  };
}
