/** JSON that fits a schema: the same for the same schema, and made from the grammar that holds a real model to it. */

import type { JsonSchema } from "@openai-compat/core";
import { createGrammarBuilder } from "../grammar/grammar-builder.ts";
import { createSeededRandom, sampleGrammar } from "../grammar/sample-grammar.ts";

/** @throws UnsupportedSchemaError */
export function composeJson(schema: JsonSchema): string {
  const builder = createGrammarBuilder();
  return sampleGrammar(builder.build(builder.jsonSchema(schema)), createSeededRandom(SEED), { isReadable: true });
}

const SEED = 7;
