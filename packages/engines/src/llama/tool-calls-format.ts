/**
 * The format of tool calls: JSON between two tags. Most open models were trained on it, and others can be constrained
 * to it.
 */

import type { ChatOutput, ChatTool, ToolUse } from "@openai-compat/core";
import type { GrammarBuilder } from "../grammar/grammar-builder.ts";
import { literal, optional, repeat, sequence } from "../grammar/grammar-node.ts";
import type { GrammarNode } from "../grammar/grammar-node.ts";
import type { OutputSchemas } from "../grammar/output-schemas.ts";
import { oneOfTexts } from "../grammar/text-choice.ts";

export const CALL_BEGIN = "<tool_call>";
/** The brace ends the call; the line break can't be part of its arguments. */
export const CALL_END = "}\n</tool_call>";
/** Calls of one answer: a weak model would never stop. */
export const CALLS_MAX = 8;

/** The text between the tag and the arguments. */
export const CALL_HEAD = /^\n?\{"name": ("(?:[^"\\]|\\.)*"), "arguments": /;

/** The calls after the first tag, whose line break may be part of the same token. */
export function callsAfterTag(
  builder: GrammarBuilder,
  { tools, parallel }: ToolUse,
  schemas: OutputSchemas,
): GrammarNode {
  const byHead = new Map(tools.map((tool) => [headOf(tool), argumentsOf(tool, builder, schemas)]));
  const one = oneOfTexts([...byHead.keys()], undefined, (head) => byHead.get(head) ?? literal(""));
  const more = sequence(literal(`\n${CALL_BEGIN}\n`), one);
  return sequence(optional(literal("\n")), one, parallel ? repeat(more, 0, CALLS_MAX - 1) : literal(""));
}

function headOf({ name }: ChatTool): string {
  return `{"name": ${JSON.stringify(name)}, "arguments": `;
}

function argumentsOf(tool: ChatTool, builder: GrammarBuilder, schemas: OutputSchemas): GrammarNode {
  const compiled = schemas.tools.get(tool);
  return sequence(compiled === undefined ? literal("{}") : builder.include(compiled), literal(CALL_END));
}

/** Instructions about the output format that the template does not render itself; null for none. */
export function describeOutput({ format, toolUse }: ChatOutput, templateKnowsTools: boolean): string | null {
  const parts: string[] = [];
  if (toolUse !== null && !templateKnowsTools) parts.push(describeTools(toolUse));
  else if (toolUse?.mode === "required") parts.push("Call a tool now.");
  if (format.type === "json-object") parts.push("Answer with a JSON object and nothing else.");
  if (format.type === "json-schema") {
    parts.push(`Answer with JSON that fits this JSON Schema, and nothing else:\n${JSON.stringify(format.schema)}`);
  }
  return parts.length === 0 ? null : parts.join("\n\n");
}

function describeTools({ tools, mode }: ToolUse): string {
  const list = tools.map((tool) => JSON.stringify(viewTool(tool))).join("\n");
  const when = mode === "required" ? "Call a tool now" : "When a tool helps to answer, call it";
  const example = `${CALL_BEGIN}\n{"name": "tool_name", "arguments": {"argument": "value"}}\n</tool_call>`;
  return `You have these tools:\n${list}\n\n${when}, by writing nothing but this, with its name and arguments:\n${example}`;
}

/** The tool as templates expect it, and as it was sent. */
export function viewTool({ name, description, parameters }: ChatTool): Record<string, unknown> {
  return {
    type: "function",
    function: {
      name,
      ...(description !== null && { description }),
      parameters: parameters ?? { type: "object", properties: {} },
    },
  };
}
