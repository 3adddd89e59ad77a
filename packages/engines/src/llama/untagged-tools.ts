/** Which tools a model may call without tags, and with which arguments. */

import { isRecord } from "@openai-compat/core";
import type { ChatOutput, ChatTool } from "@openai-compat/core";
import { createGrammarBuilder } from "../grammar/grammar-builder.ts";
import { openGrammar } from "../grammar/grammar-position.ts";
import { compileOutput } from "../grammar/output-schemas.ts";
import type { OutputSchemas } from "../grammar/output-schemas.ts";
import type { UntaggedCalls } from "./answer-reader.ts";

/**
 * Requested JSON is the answer, and a required call gets its tag from the grammar. No grammar constrains the arguments
 * of a call without a tag, so those of a strict tool are validated once they are complete.
 *
 * @returns null where no call without a tag is read
 */
export async function findUntaggedCalls(output: ChatOutput): Promise<UntaggedCalls | null> {
  const { toolUse, format } = output;
  if (toolUse?.mode !== "auto" || format.type !== "text") return null;
  const schemas = await compileOutput(output);
  const byName = new Map(toolUse.tools.map((tool) => [tool.name, tool]));
  return {
    names: [...byName.keys()],
    parallel: toolUse.parallel,
    accepts({ name, arguments: text }) {
      const tool = byName.get(name);
      return tool !== undefined && (!tool.isStrict || conformsTo(tool, schemas, JSON.parse(text)));
    },
  };
}

function conformsTo(tool: ChatTool, schemas: OutputSchemas, value: unknown): boolean {
  const compiled = schemas.tools.get(tool);
  const builder = createGrammarBuilder();
  if (compiled === undefined || tool.parameters === null) return JSON.stringify(value) === "{}";
  const grammar = builder.build(builder.include(compiled));
  return openGrammar(grammar).advance(JSON.stringify(orderAs(tool.parameters, value)))?.shortestLength === 0;
}

/** A grammar has the members of an object in the declared order; the order has no meaning in JSON. */
function orderAs(schema: unknown, value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => orderAs(readMember(schema, "items"), item));
  const properties = readMember(schema, "properties");
  if (!isRecord(value) || !isRecord(properties)) return value;
  const names = new Set([
    ...Object.keys(properties).filter((name) => Object.hasOwn(value, name)),
    ...Object.keys(value),
  ]);
  return Object.fromEntries([...names].map((name) => [name, orderAs(properties[name], value[name])]));
}

function readMember(schema: unknown, name: string): unknown {
  return isRecord(schema) ? schema[name] : undefined;
}
