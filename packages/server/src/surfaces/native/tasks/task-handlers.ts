/** The tasks of an account. Those of another one are as unknown as those that never were. */

import { randomUUID } from "node:crypto";
import { AiError } from "@openai-compat/core";
import type { StoredTask, TaskStore } from "@openai-compat/core";
import type { Task } from "@openai-compat/spec";
import { askStore } from "../../../stores/ask-store.ts";
import type { NativeCall, NativeHandlers } from "../native-handlers.ts";

type TaskHandlers = Pick<NativeHandlers, "tasks.list" | "tasks.add" | "tasks.update" | "tasks.remove">;

export interface TaskOptions {
  readonly tasks: TaskStore;
  /** Of an account. */
  readonly tasksMax: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createTaskHandlers({ tasks, tasksMax, now }: TaskOptions): TaskHandlers {
  return {
    "tasks.list": async (_input, call) => (await askStore(tasks.list(accountOf(call)))).map(describeTask),
    "tasks.add": async ({ name, modelId = "default", systemPrompt = "", examples = [] }, call) => {
      const nowMs = now();
      const fields = { name, modelId, systemPrompt, examples, createdAtMs: nowMs, updatedAtMs: nowMs };
      const task: StoredTask = { id: `task_${randomUUID()}`, accountId: accountOf(call), ...fields };
      if (!(await askStore(tasks.insert(task, tasksMax)))) throw tooManyTasks(tasksMax);
      return describeTask(task);
    },
    "tasks.update": async ({ id, ...change }, call) => {
      const found = await findTask(tasks, accountOf(call), { id, param: "id" });
      const defined = Object.fromEntries(Object.entries(change).filter(([, value]) => value !== undefined));
      const task: StoredTask = { ...found, ...defined, updatedAtMs: now() };
      if (!(await askStore(tasks.update(task)))) throw taskNotFound(id, "id");
      return describeTask(task);
    },
    "tasks.remove": async ({ id }, call) => {
      if (!(await askStore(tasks.remove(accountOf(call), id)))) throw taskNotFound(id, "id");
      return { id };
    },
  };
}

export interface TaskReference {
  readonly id: string;
  /** The field that names it. */
  readonly param: string;
}

/** @throws AiError `not_found`, `store_unavailable` */
export async function findTask(tasks: TaskStore, accountId: string, { id, param }: TaskReference): Promise<StoredTask> {
  const task = await askStore(tasks.find(accountId, id));
  if (task === null) throw taskNotFound(id, param);
  return task;
}

function accountOf({ authorised }: NativeCall): string {
  return authorised.principal.accountId;
}

function describeTask({ accountId: _account, examples, ...task }: StoredTask): Task {
  return { ...task, examples: [...examples] };
}

const ID_LENGTH_SHOWN = 100;

function taskNotFound(id: string, param: string): AiError {
  return new AiError("not_found", `Your account has no task '${id.slice(0, ID_LENGTH_SHOWN)}'.`, { param });
}

function tooManyTasks(most: number): AiError {
  return new AiError("conflict", `Your account has as many tasks as it may have (${most}). Remove one first.`);
}
