/** Tasks in PostgreSQL. */

import type { TaskStore } from "@openai-compat/core";
import { decodeTaskRow, encodeTaskContent } from "../task-row.ts";
import type { Database, Statement } from "./database.ts";

const LIST: Statement = {
  name: "list_tasks",
  text: "SELECT * FROM tasks WHERE account_id = $1 ORDER BY created_at_ms, id",
};
const FIND: Statement = { name: "find_task", text: "SELECT * FROM tasks WHERE account_id = $1 AND id = $2" };
/** $1 to $5 the columns, $6 how many an account may have. One row when it is stored, none when it has as many. */
const INSERT: Statement = {
  name: "insert_task",
  text: `
    INSERT INTO tasks
    SELECT $1, $2, $3, $4::bigint, $5::bigint
    WHERE (SELECT count(*) FROM tasks WHERE account_id = $2) < $6::bigint`,
};
const UPDATE: Statement = {
  name: "update_task",
  text: "UPDATE tasks SET content = $3, updated_at_ms = $4 WHERE account_id = $1 AND id = $2",
};
const REMOVE: Statement = { name: "remove_task", text: "DELETE FROM tasks WHERE account_id = $1 AND id = $2" };

export function createTaskStore(database: Database): TaskStore {
  return {
    async list(accountId) {
      return (await database.run(LIST, [accountId])).rows.map(decodeTaskRow);
    },
    async find(accountId, id) {
      const { rows } = await database.run(FIND, [accountId, id]);
      return rows[0] === undefined ? null : decodeTaskRow(rows[0]);
    },
    async insert(task, accountMax) {
      const { id, accountId, createdAtMs, updatedAtMs } = task;
      const values = [id, accountId, encodeTaskContent(task), createdAtMs, updatedAtMs, accountMax];
      return (await database.run(INSERT, values)).rowCount > 0;
    },
    async update(task) {
      const values = [task.accountId, task.id, encodeTaskContent(task), task.updatedAtMs];
      return (await database.run(UPDATE, values)).rowCount > 0;
    },
    async remove(accountId, id) {
      return (await database.run(REMOVE, [accountId, id])).rowCount > 0;
    },
    close: () => database.close(),
  };
}
