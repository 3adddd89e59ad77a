/** Rows of the stored models as a database gives them, which are the same in all of them. */

import { MODEL_TYPES } from "@openai-compat/core";
import type { ModelSnapshot, StoredModel } from "@openai-compat/core";
import { z } from "zod";

const rowSchema = z.object({
  id: z.string(),
  definition: z.string(),
  secrets: z.string().nullable(),
  version: z.number(),
  created_at_ms: z.number(),
  updated_at_ms: z.number(),
});

const defaultSchema = z.object({ type: z.enum(MODEL_TYPES), model_id: z.string() });

type Row = Readonly<Record<string, unknown>>;

/** @throws Error when something other than this program wrote the row. */
export function decodeModelRow(row: Row): StoredModel {
  const { id, definition, secrets, version, created_at_ms: createdAtMs, updated_at_ms } = rowSchema.parse(row);
  return { id, definition, secrets, version, createdAtMs, updatedAtMs: updated_at_ms };
}

/** @throws Error as `decodeModelRow` */
export function decodeDefaultRows(rows: readonly Row[]): ModelSnapshot["defaults"] {
  const decoded = rows.map((row) => defaultSchema.parse(row));
  return Object.fromEntries(decoded.map(({ type, model_id: id }) => [type, id]));
}
