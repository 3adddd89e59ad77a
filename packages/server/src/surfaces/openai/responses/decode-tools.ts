/**
 * The tools of a response: functions, custom tools and those of namespaces, which the model knows by one name each.
 * Tools that a server would have to run itself are not offered to the model, and refused where they are demanded.
 */

import { AiError, describeInput } from "@openai-compat/core";
import type { ChatTool, SchemaRelaxation, ToolUse } from "@openai-compat/core";
import type {
  CreateResponseRequest,
  ResponseCustomTool,
  ResponseFunctionTool,
  ResponseTool,
  ResponseToolChoice,
} from "@openai-compat/spec";
import { describeExpression } from "../chat-completions/decode-custom-tool.ts";
import { decodeParameters } from "../chat-completions/decode-output.ts";
import { unsupportedValue } from "../parameter-rules.ts";

type Wire = Pick<CreateResponseRequest, "tools" | "tool_choice" | "parallel_tool_calls">;

/** Tools that the model may call, those of namespaces counted one by one. */
const CALLABLE_TOOLS_MAX = 256;

/** How a caller names a tool. */
export interface ToolName {
  readonly namespace: string | null;
  readonly name: string;
}

export interface DecodedTools {
  readonly toolUse: ToolUse | null;
  /** By the name that the model knows. */
  readonly names: ReadonlyMap<string, ToolName>;
  /** Grammars that are not enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
}

/** The name that a model knows a tool by. */
export function flattenName({ namespace, name }: ToolName): string {
  return namespace === null ? name : `${namespace}__${name}`;
}

/**
 * @throws AiError `invalid_value` for a choice of a tool that is not offered and for tools that can't be told apart;
 *   `unsupported_value` for a choice that demands a tool which this server would have to run
 */
export function decodeTools(wire: Wire): DecodedTools {
  const tools = wire.tools ?? [];
  const callable = tools.flatMap((tool, index) => listCallable(tool, `tools[${index}]`));
  if (callable.length > CALLABLE_TOOLS_MAX) {
    const message = `Invalid 'tools': at most ${CALLABLE_TOOLS_MAX} functions and custom tools may be offered, but got ${callable.length}.`;
    throw new AiError("invalid_value", message, { param: "tools" });
  }
  const names = new Map<string, ToolName>();
  for (const { tool, toolName, param } of callable) {
    if (names.has(tool.name)) {
      const message = `Invalid '${param}.name': there are two tools of the name '${tool.name}'.`;
      throw new AiError("invalid_value", message, { param: `${param}.name` });
    }
    names.set(tool.name, toolName);
  }
  return {
    toolUse: chooseTools(wire, callable),
    names,
    relaxed: callable.flatMap(({ relaxed }) => relaxed),
  };
}

interface CallableTool {
  readonly tool: ChatTool;
  readonly toolName: ToolName;
  readonly param: string;
  readonly relaxed: readonly SchemaRelaxation[];
}

function listCallable(tool: ResponseTool, param: string): readonly CallableTool[] {
  if (isFunction(tool)) return [decodeFunction(tool, null, param)];
  if (isCustom(tool)) return [decodeCustom(tool, null, param)];
  if (!isNamespace(tool)) return [];
  return tool.tools.map((member, index) => {
    const place = `${param}.tools[${index}]`;
    return member.type === "custom" ? decodeCustom(member, tool.name, place) : decodeFunction(member, tool.name, place);
  });
}

type NamespaceTool = Extract<ResponseTool, { tools: unknown }>;

function isFunction(tool: ResponseTool): tool is ResponseFunctionTool {
  return tool.type === "function";
}

function isCustom(tool: ResponseTool): tool is ResponseCustomTool {
  return tool.type === "custom";
}

function isNamespace(tool: ResponseTool): tool is NamespaceTool {
  return tool.type === "namespace";
}

function decodeFunction(tool: ResponseFunctionTool, namespace: string | null, param: string): CallableTool {
  const { name, description = null, parameters = null, strict } = tool;
  const toolName = { namespace, name };
  const schemaParam = `${param}.parameters`;
  const decoded: ChatTool = {
    kind: "function",
    name: flattenName(toolName),
    description,
    parameters: decodeParameters(parameters, schemaParam),
    isStrict: strict === true,
    schemaParam,
  };
  return { tool: decoded, toolName, param, relaxed: [] };
}

/** A grammar of Lark is a hint: it is shown to the model, which then writes freely. */
function decodeCustom(tool: ResponseCustomTool, namespace: string | null, param: string): CallableTool {
  const { name, description = null, format } = tool;
  const toolName = { namespace, name };
  const schemaParam = `${param}.format.definition`;
  const decode = (parameters: ChatTool["parameters"], relaxed: readonly SchemaRelaxation[] = []): CallableTool => ({
    tool: { kind: "custom", name: flattenName(toolName), description, parameters, isStrict: true, schemaParam },
    toolName,
    param,
    relaxed,
  });
  if (format?.type !== "grammar") return decode(describeInput("The input, as free text.", null));
  const { syntax, definition } = format;
  if (syntax === "regex") return decode(describeExpression(definition, schemaParam));
  const hint = `The input, as text that follows this Lark grammar:\n${definition}`;
  return decode(describeInput(hint, null), [{ param: schemaParam, pointer: "", keyword: "lark" }]);
}

function chooseTools(wire: Wire, callable: readonly CallableTool[]): ToolUse | null {
  const parallel = wire.parallel_tool_calls !== false;
  const tools = callable.map(({ tool }) => tool);
  const choice = wire.tool_choice ?? "auto";
  if (choice === "none") return null;
  if (choice === "auto") return tools.length === 0 ? null : { tools, mode: "auto", parallel };
  if (choice === "required") {
    requireCallable(tools, wire);
    return { tools, mode: "required", parallel };
  }
  if (isAllowedTools(choice)) return chooseAllowed(choice, { wire, callable });
  if (isNamed(choice)) {
    const { tool } = findTool(callable, choice, "tool_choice.name");
    return { tools: [tool], mode: "required", parallel: false };
  }
  throw unsupportedValue("tool_choice.type", choice.type, "'function', 'custom', 'allowed_tools'");
}

function chooseAllowed(
  choice: AllowedTools,
  { wire, callable }: { readonly wire: Wire; readonly callable: readonly CallableTool[] },
): ToolUse | null {
  const param = "tool_choice.tools";
  const named = choice.tools.flatMap((entry, index) => {
    const { type, name } = entry;
    if (type !== "function" && type !== "custom") return [];
    if (typeof name === "string") return [findTool(callable, { type, name }, `${param}[${index}].name`)];
    throw new AiError("invalid_value", `Invalid '${param}[${index}]': it names no ${type} tool.`, { param });
  });
  const tools = callable.filter((candidate) => named.includes(candidate)).map(({ tool }) => tool);
  if (choice.mode === "required") requireCallable(tools, wire);
  const parallel = wire.parallel_tool_calls !== false;
  return tools.length === 0 ? null : { tools, mode: choice.mode, parallel };
}

type AllowedTools = Extract<ResponseToolChoice, { type: "allowed_tools"; tools: unknown }>;
type NamedTool = { readonly type: string; readonly name: string };

function isAllowedTools(choice: Exclude<ResponseToolChoice, string>): choice is AllowedTools {
  return choice.type === "allowed_tools";
}

function isNamed(choice: Exclude<ResponseToolChoice, string>): choice is Extract<ResponseToolChoice, NamedTool> {
  return choice.type === "function" || choice.type === "custom";
}

/** @throws AiError for a call that is demanded of no tool, or of those that this server would have to run */
function requireCallable(tools: readonly ChatTool[], wire: Wire): void {
  if (tools.length > 0) return;
  const types = [...new Set((wire.tools ?? []).map(({ type }) => type))];
  const message =
    types.length === 0
      ? "'tool_choice' may only ask for a tool when 'tools' holds one."
      : `'tool_choice' asks for a call, but this server can't run tools of these types: ${types.join(", ").slice(0, 200)}. Offer a 'function' or a 'custom' tool.`;
  throw new AiError(types.length === 0 ? "invalid_value" : "unsupported_value", message, { param: "tool_choice" });
}

/** A tool of a namespace goes by its own name where no other tool has it, or by both. */
function findTool(callable: readonly CallableTool[], { type, name }: NamedTool, param: string): CallableTool {
  const ofKind = callable.filter(({ tool }) => tool.kind === type);
  const found = ofKind.find(({ tool }) => tool.name === name) ?? ofKind.find(({ toolName }) => toolName.name === name);
  if (found !== undefined) return found;
  const message = `Invalid '${param}': there is no ${type} tool '${name.slice(0, 64)}' in 'tools'.`;
  throw new AiError("invalid_value", message, { param });
}
