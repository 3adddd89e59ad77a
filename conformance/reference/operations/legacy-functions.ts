/** `functions` and `function_call` of a chat, which tools have replaced: read as tools, and answered in their own form. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Fields } from "./operation.ts";

function isLegacy({ functions }: Fields): boolean {
  return Array.isArray(functions);
}

/** The same request with tools. At most one function is called. */
export function readAsTools(request: Fields): Fields {
  const { functions, function_call: choice, ...rest } = request;
  if (!Array.isArray(functions)) return request;
  return {
    ...rest,
    tools: functions.map((named: unknown) => ({ type: "function", function: named })),
    tool_choice: isJsonObject(choice) ? { type: "function", function: { name: choice["name"] } } : choice,
    parallel_tool_calls: false,
  };
}

/** An answer, or an event of one, in the form that its request asks for. Others of neither form stay as they are. */
export function writeAsAsked<Value>(value: Value, request: Fields): Value | JsonObject {
  if (!isLegacy(request) || !isJsonObject(value) || !Array.isArray(value["choices"])) return value;
  const choices = value["choices"].map((choice: unknown) => (isJsonObject(choice) ? writeAsFunction(choice) : choice));
  return { ...value, choices };
}

/** The same choice, or piece of one, with a `function_call` in the place of its tool call. */
function writeAsFunction(choice: JsonObject): JsonObject {
  const { message, delta, finish_reason: reason } = choice;
  return {
    ...choice,
    ...(isJsonObject(message) ? { message: moveCall(message) } : {}),
    ...(isJsonObject(delta) ? { delta: moveCall(delta) } : {}),
    finish_reason: reason === "tool_calls" ? "function_call" : reason,
  };
}

function moveCall({ tool_calls: calls, ...message }: JsonObject): JsonObject {
  const [call]: readonly unknown[] = Array.isArray(calls) ? calls : [];
  return isJsonObject(call) ? { ...message, function_call: call["function"] } : message;
}
