/** What an engine says of schemas that no grammar keeps to, the same for every engine that has grammars. */

import { AiError } from "@openai-compat/core";
import type { ChatOutput, JsonSchema } from "@openai-compat/core";
import { createGrammarBuilder } from "./grammar-builder.ts";
import type { GrammarBuilder } from "./grammar-builder.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

/**
 * All schemas of a request are one grammar, and bounded together.
 *
 * @throws AiError `invalid_value`, `param` naming the schema, the message the place in it.
 */
export function checkSchemas({ format, toolUse }: ChatOutput): void {
  const builder = createGrammarBuilder();
  if (format.type === "json-schema") checkSchema(builder, format.schema, "response_format.json_schema.schema");
  for (const { parameters, param } of toolUse?.tools ?? []) {
    if (parameters !== null) checkSchema(builder, parameters, `${param}.parameters`);
  }
}

function checkSchema(builder: GrammarBuilder, schema: JsonSchema, param: string): void {
  try {
    builder.jsonSchema(schema);
  } catch (thrown) {
    if (!(thrown instanceof UnsupportedSchemaError)) throw thrown;
    throw new AiError("invalid_value", `Invalid '${param}': ${thrown.message}.`, { param, cause: thrown });
  }
}
