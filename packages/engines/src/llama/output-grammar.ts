/** The grammar that constrains a model to the requested output format. */

import type { ChatOutput } from "@openai-compat/core";
import { createGrammarBuilder } from "../grammar/grammar-builder.ts";
import type { GrammarBuilder } from "../grammar/grammar-builder.ts";
import { choice, literal, sequence } from "../grammar/grammar-node.ts";
import type { Grammar, GrammarNode } from "../grammar/grammar-node.ts";
import type { OutputSchemas } from "../grammar/output-schemas.ts";
import { CALL_BEGIN, callsAfterTag } from "./tool-calls-format.ts";

export interface OutputGrammar {
  readonly grammar: Grammar;
  /** Whether it applies only from the first call on: before that, the text is free. */
  readonly startsAtCall: boolean;
}

/** @returns null for free text. @param schemas those of the output. */
export function buildOutputGrammar(output: ChatOutput, schemas: OutputSchemas): OutputGrammar | null {
  const builder = createGrammarBuilder();
  const answer = buildAnswer(builder, output, schemas);
  const { toolUse } = output;
  if (toolUse === null) return answer === null ? null : print(builder, answer);
  const calls = callsAfterTag(builder, toolUse, schemas);
  const tagged = sequence(literal(CALL_BEGIN), calls);
  if (toolUse.mode === "required") return print(builder, tagged);
  if (answer !== null) return print(builder, choice(answer, tagged));
  return { ...print(builder, calls), startsAtCall: true };
}

function print(builder: GrammarBuilder, root: GrammarNode): OutputGrammar {
  return { grammar: builder.build(root), startsAtCall: false };
}

function buildAnswer(builder: GrammarBuilder, { format }: ChatOutput, schemas: OutputSchemas): GrammarNode | null {
  if (format.type === "text") return null;
  return schemas.format === null ? builder.jsonObject() : builder.include(schemas.format);
}
