/**
 * A row of the tasks as a database gives it, which is the same in all of them. The texts are one JSON text: a column of
 * PostgreSQL takes no null character, and JSON writes it as others.
 */

import type { StoredTask } from "@openai-compat/core";
import { z } from "zod";

const rowSchema = z.object({
  id: z.string(),
  account_id: z.string(),
  content: z.string(),
  created_at_ms: z.number(),
  updated_at_ms: z.number(),
});

const contentSchema = z.object({
  name: z.string(),
  modelId: z.string(),
  systemPrompt: z.string(),
  examples: z.array(z.object({ prompt: z.string(), answer: z.string() })),
});

export function encodeTaskContent({ name, modelId, systemPrompt, examples }: StoredTask): string {
  return JSON.stringify({ name, modelId, systemPrompt, examples });
}

/** @throws Error when something other than this program wrote the row. */
export function decodeTaskRow(row: Readonly<Record<string, unknown>>): StoredTask {
  const task = rowSchema.parse(row);
  return {
    id: task.id,
    accountId: task.account_id,
    ...contentSchema.parse(JSON.parse(task.content)),
    createdAtMs: task.created_at_ms,
    updatedAtMs: task.updated_at_ms,
  };
}
