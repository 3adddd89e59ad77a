/** Finds every schema that a schema is made of. It reads zod's definitions and nothing of ours. */
import { z } from "zod";

/** All that the schema refers to and, last, the schema itself: each once, and after everything it is made of. */
export function walkSchemas(root: z.ZodType, found = new Set<z.ZodType>()): Set<z.ZodType> {
  if (found.has(root)) return found;
  // A definition holds its inner schemas as values (`innerType`, `element`), in lists (`options`) or in `shape`.
  for (const entry of Object.values(root.def)) {
    for (const schema of listSchemas(entry)) walkSchemas(schema, found);
  }
  return found.add(root);
}

function listSchemas(entry: unknown): z.ZodType[] {
  if (entry instanceof z.ZodType) return [entry];
  if (typeof entry !== "object" || entry === null) return [];
  return Object.values(entry).filter((value) => value instanceof z.ZodType);
}
