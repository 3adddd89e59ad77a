/** Compiles a strict schema synchronously. */

import { compileSchema } from "../compiled-schema.ts";
import type { CompiledSchema } from "../compiled-schema.ts";
import type { SchemaObject } from "../schema-view.ts";
import { TurnNeededError } from "../work-budget.ts";

/** @throws UnsupportedSchemaError */
export function compileWhole(schema: SchemaObject): CompiledSchema {
  try {
    return compileSchema(schema, { isStrict: true });
  } catch (thrown) {
    if (thrown instanceof TurnNeededError) return compileWhole(schema);
    throw thrown;
  }
}
