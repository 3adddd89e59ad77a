/** The output format of a chat request: `response_format`, `tools` and what chooses among them. */

import { AiError } from "@openai-compat/core";
import { decodeCustomTool } from "./decode-custom-tool.ts";
import type { AnswerFormat, ChatOutput, ChatTool, JsonSchema, ToolUse } from "@openai-compat/core";
import type { CreateChatCompletionRequest } from "@openai-compat/spec";

type Wire = CreateChatCompletionRequest;

/** As OpenAI's API. */
const TOOLS_MAX = 128;

/**
 * @throws AiError `invalid_value` for a choice of a tool that is not offered, for tools that can't be told apart and
 * for
 *   arguments that are no object; `unsupported_value` for grammars that are no regular expressions;
 * `missing_required_parameter` for
 *   a JSON schema that is not there.
 */
export function decodeOutput(wire: Wire): ChatOutput {
  return {
    format: decodeFormat(wire.response_format),
    toolUse: decodeToolUse(wire),
    reasoningEffort: wire.reasoning_effort ?? null,
  };
}

function decodeFormat(format: Wire["response_format"]): AnswerFormat {
  switch (format?.type) {
    case undefined:
    case "text":
      return { type: "text" };
    case "json_object":
      return { type: "json-object" };
    case "json_schema": {
      const { schema, strict } = format.json_schema;
      if (schema !== null && schema !== undefined) return { type: "json-schema", schema, isStrict: strict === true };
      const param = "response_format.json_schema.schema";
      throw new AiError("missing_required_parameter", `Missing required parameter: '${param}'.`, { param });
    }
  }
}

function decodeToolUse(wire: Wire): ToolUse | null {
  const tools = decodeTools(wire.tools ?? []);
  const parallel = wire.parallel_tool_calls !== false;
  const choice = wire.tool_choice ?? "auto";
  if (choice === "none") return null;
  if (tools.length === 0) {
    if (choice === "auto") return null;
    const message = "'tool_choice' may only ask for a tool when 'tools' holds one.";
    throw new AiError("invalid_value", message, { param: "tool_choice" });
  }
  if (choice === "auto" || choice === "required") return { tools, mode: choice, parallel };
  switch (choice.type) {
    case "function": {
      const tool = findTool(tools, { kind: "function", name: choice.function.name }, "tool_choice.function.name");
      return { tools: [tool], mode: "required", parallel: false };
    }
    case "custom": {
      const tool = findTool(tools, { kind: "custom", name: choice.custom.name }, "tool_choice.custom.name");
      return { tools: [tool], mode: "required", parallel: false };
    }
    case "allowed_tools": {
      const param = "tool_choice.allowed_tools.tools";
      const { mode, tools: allowed } = choice.allowed_tools;
      const named = allowed.map((tool, index) => findTool(tools, readToolName(tool, `${param}[${index}]`), param));
      return named.length === 0 ? null : { tools: tools.filter((tool) => named.includes(tool)), mode, parallel };
    }
  }
}

function decodeTools(tools: NonNullable<Wire["tools"]>): ChatTool[] {
  if (tools.length > TOOLS_MAX) {
    throw new AiError("invalid_value", `Invalid 'tools': at most ${TOOLS_MAX} tools may be offered.`, {
      param: "tools",
    });
  }
  const names = new Set<string>();
  return tools.map((tool, index) => {
    const param = `tools[${index}].${tool.type}`;
    const { name } = tool.type === "custom" ? tool.custom : tool.function;
    if (names.has(name)) {
      const message = `Invalid '${param}.name': there are two tools of the name '${name}'.`;
      throw new AiError("invalid_value", message, { param: `${param}.name` });
    }
    names.add(name);
    return tool.type === "custom" ? decodeCustomTool(tool.custom, param) : decodeFunction(tool.function, param);
  });
}

type Tool = NonNullable<Wire["tools"]>[number];
type FunctionObject = Extract<Tool, { type: "function" }>["function"];

function decodeFunction(tool: FunctionObject, param: string): ChatTool {
  const { name, description = null, parameters = null, strict } = tool;
  const schemaParam = `${param}.parameters`;
  const decoded = decodeParameters(parameters, schemaParam);
  return { kind: "function", name, description, parameters: decoded, isStrict: strict === true, schemaParam };
}

/** Arguments are an object, also where their schema doesn't say so: `{}` would else let the model write anything. */
export function decodeParameters(parameters: JsonSchema | null, param: string): JsonSchema | null {
  if (parameters === null) return null;
  if ([parameters["type"] ?? "object"].flat().includes("object")) return { ...parameters, type: "object" };
  const message = `Invalid '${param}': the schema has to be of 'type: "object"'.`;
  throw new AiError("invalid_value", message, { param });
}

interface ToolName {
  readonly kind: ChatTool["kind"];
  readonly name: string;
}

function findTool(tools: readonly ChatTool[], { kind, name }: ToolName, param: string): ChatTool {
  const found = tools.find((tool) => tool.kind === kind && tool.name === name);
  if (found !== undefined) return found;
  const shown = name.slice(0, 64);
  const message = `Invalid '${param}': there is no ${kind} tool '${shown}' in 'tools'.`;
  throw new AiError("invalid_value", message, { param });
}

/** `{"type":"function","function":{"name"}}`, as documented, or with the name at the top, as newer surfaces have it. */
function readToolName(tool: Readonly<Record<string, unknown>>, param: string): ToolName {
  const kind = tool["type"] === "custom" ? "custom" : "function";
  const inner = tool[kind];
  const name = typeof inner === "object" && inner !== null && "name" in inner ? inner.name : tool["name"];
  if (typeof name === "string") return { kind, name };
  throw new AiError("invalid_value", `Invalid '${param}': it names no ${kind} tool.`, { param });
}
