/** A custom tool of a request: one that takes any text, or one that matches a regular expression. */

import { AiError, describeInput } from "@openai-compat/core";
import type { ChatTool, JsonSchema } from "@openai-compat/core";
import type { Tool } from "@openai-compat/spec";
import { unsupportedValue } from "../parameter-rules.ts";

type CustomTool = Extract<Tool, { type: "custom" }>["custom"];

/** Characters of a regular expression. */
const DEFINITION_LENGTH_MAX = 3000;

/**
 * @param param where the tool stands: `tools[2].custom`.
 * @throws AiError `unsupported_value` for another grammar than a regular expression; `invalid_value` for one that is
 * none.
 */
export function decodeCustomTool({ name, description = null, format }: CustomTool, param: string): ChatTool {
  const schemaParam = `${param}.format.grammar.definition`;
  const tool = { kind: "custom", name, description, isStrict: true, schemaParam } as const;
  if (format?.type !== "grammar") return { ...tool, parameters: describeInput("The input, as free text.", null) };
  const { syntax, definition } = format.grammar;
  if (syntax !== "regex") throw unsupportedValue(`${param}.format.grammar.syntax`, syntax, "'regex'");
  return { ...tool, parameters: describeExpression(definition, schemaParam) };
}

/** The parameters of a tool whose input matches an expression as a whole. @throws AiError `invalid_value` */
export function describeExpression(definition: string, param: string): JsonSchema {
  const form = `The input. As a whole it has to match the regular expression ${definition}`;
  return describeInput(form, `^(?:${decodeExpression(definition, param)})$`);
}

/**
 * OpenAI reads it as Rust's `regex` does. What Rust and ECMAScript (with the flag `u`) write in different ways is
 * translated or refused, never read as something else: named groups and escaped punctuation are the same, `(?i)`, `\A`
 * and `[[:alpha:]]` are not.
 */
function decodeExpression(definition: string, param: string): string {
  if (definition.length > DEFINITION_LENGTH_MAX) {
    const message = `Invalid '${param}': a regular expression may have at most ${DEFINITION_LENGTH_MAX} characters.`;
    throw new AiError("invalid_value", message, { param });
  }
  try {
    // As a whole, before anything is put around it: `a)|(?:b` is none.
    return new RegExp(translate(definition), "u").source;
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    const message = `Invalid '${param}': it is no regular expression that this server reads: ECMAScript's syntax, with the flag 'u'.`;
    throw new AiError("invalid_value", message, { param, cause: thrown });
  }
}

const ESCAPE_OR_CLASS_OR_NAME = /\\[^]|\[(?:\\[^]|[^\]\\])*\]|\(\?P</g;
/**
 * Rust takes a backslash before any punctuation; ECMAScript takes none before these, and before a minus only in a
 * class.
 */
const NEEDLESS_ESCAPE = /\\([!"#%&',:;=@_`~ ])/g;

function translate(definition: string): string {
  return definition.replaceAll(ESCAPE_OR_CLASS_OR_NAME, (part) => {
    if (part === "(?P<") return "(?<";
    if (part === "\\-") return "-";
    return part.startsWith("[") ? part.replaceAll(/\\[^]/g, unescape) : unescape(part);
  });
}

function unescape(escape: string): string {
  return escape.replace(NEEDLESS_ESCAPE, "$1");
}
