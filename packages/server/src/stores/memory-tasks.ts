/** Tasks that are forgotten when the process ends. */

import type { StoredTask, TaskStore } from "@openai-compat/core";

export function createMemoryTasks(): TaskStore {
  const byId = new Map<string, StoredTask>();
  const list = (accountId: string) =>
    [...byId.values()]
      .filter((task) => task.accountId === accountId)
      .toSorted((left, right) => left.createdAtMs - right.createdAtMs);
  const find = (accountId: string, id: string) => {
    const task = byId.get(id);
    return task?.accountId === accountId ? task : null;
  };
  return {
    list: async (accountId) => list(accountId),
    find: async (accountId, id) => find(accountId, id),
    async insert(task, accountMax) {
      if (byId.has(task.id)) throw new Error("There is a task with this id already.");
      if (list(task.accountId).length >= accountMax) return false;
      byId.set(task.id, task);
      return true;
    },
    async update(task) {
      const before = find(task.accountId, task.id);
      if (before === null) return false;
      byId.set(task.id, { ...task, createdAtMs: before.createdAtMs });
      return true;
    },
    async remove(accountId, id) {
      return find(accountId, id) !== null && byId.delete(id);
    },
    async close() {
      byId.clear();
    },
  };
}
