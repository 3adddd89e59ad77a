/** What the reference server demands of the items, tools and formats of a request for a response. */

import { operations } from "@openai-compat/spec";
import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import type { Fields } from "./operation.ts";

const ROLES: readonly unknown[] = ["user", "assistant", "system", "developer"];
const CHOICES: readonly unknown[] = ["none", "auto", "required"];
const FORMATS: readonly unknown[] = ["text", "json_object", "json_schema"];
/** Choices of tools that the caller runs. */
const OWN_CHOICES: readonly unknown[] = ["function", "custom", "allowed_tools"];

export function refuseParts(request: Fields): Refusal | null {
  return refuseItems(request) ?? refuseTools(request) ?? refuseFormat(request) ?? refuseValues(request);
}

/** Nothing else is said of their values than what the document does. */
const DOCUMENTED: readonly unknown[] = [
  "top_p",
  "top_logprobs",
  "max_tool_calls",
  "truncation",
  "include",
  "reasoning",
  "stream_options",
];

function refuseValues(request: Fields): Refusal | null {
  const issues = operations.createResponse.request.safeParse(request).error?.issues ?? [];
  const wrong = issues.find(({ path: [name] }) => DOCUMENTED.includes(name));
  return wrong === undefined ? null : makeRefusal("invalid_value", { param: String(wrong.path[0]) });
}

function refuseItems({ input }: Fields): Refusal | null {
  const items = Array.isArray(input) ? input : [];
  const wrong = items.findIndex((item) => !isJsonObject(item) || !isItem(item));
  return wrong === -1 ? null : makeRefusal("invalid_value", { param: `input[${wrong}]` });
}

function isItem({ type, role }: JsonObject): boolean {
  return type === undefined || type === "message" ? ROLES.includes(role) : typeof type === "string";
}

function refuseTools({ tools, tool_choice: choice }: Fields): Refusal | null {
  if (!isAbsent(tools) && !Array.isArray(tools)) return makeRefusal("invalid_type", { param: "tools" });
  if (!isJsonObject(choice)) {
    const isKnown = isAbsent(choice) || CHOICES.includes(choice);
    return isKnown ? null : makeRefusal("invalid_value", { param: "tool_choice" });
  }
  if (!OWN_CHOICES.includes(choice["type"])) return makeRefusal("invalid_value", { param: "tool_choice.type" });
  const offered = (tools ?? []).filter(isJsonObject);
  const isKnown = choice["type"] === "allowed_tools" || offered.some(({ name }) => name === choice["name"]);
  return isKnown ? null : makeRefusal("invalid_value", { param: "tool_choice.name" });
}

function refuseFormat({ text }: Fields): Refusal | null {
  const format = isJsonObject(text) ? text["format"] : undefined;
  const isKnown = !isJsonObject(format) || FORMATS.includes(format["type"]);
  return isKnown ? null : makeRefusal("invalid_value", { param: "text.format.type" });
}

function isAbsent(value: unknown): value is null | undefined {
  return value === undefined || value === null;
}
