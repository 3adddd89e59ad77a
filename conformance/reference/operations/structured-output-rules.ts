/**
 * What the reference server demands of tools, of the choice among them and of `response_format`: a rule per
 * requirement.
 */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { type ChatBody, readMessages, type Rule } from "./chat-rules.ts";
import { sampleSchema } from "../schema-sample.ts";
import { listFunctions, readFunction, readNamedChoice } from "../tool-answer.ts";

const FORMAT = "response_format";
const SCHEMA = "response_format.json_schema.schema";

export const STRUCTURED_OUTPUT_RULES = {
  toolTypeKnown: (body) => refuseTool(body, "type", (tool) => ["function", "custom"].includes(String(tool["type"]))),
  toolNamePresent: (body) => refuseTool(body, "function.name", (tool) => readFunction(tool)["name"] !== undefined),
  toolNameValid: (body) =>
    refuseTool(body, "function.name", (tool) => {
      const { name } = readFunction(tool);
      return name === undefined || (typeof name === "string" && /^[\w-]{1,64}$/.test(name));
    }),
  toolNamesUnique: (body) => {
    const names = listFunctions(body).map(({ name }) => name);
    return new Set(names).size === names.length ? null : refuse("tools");
  },
  toolParametersObject: (body) =>
    refuseTool(body, "function.parameters", (tool) => isJsonObject(readFunction(tool)["parameters"] ?? {})),
  toolParametersOfObject: (body) =>
    refuseTool(body, "function.parameters", (tool) => {
      const { parameters } = readFunction(tool);
      return !isJsonObject(parameters) || parameters["type"] === "object";
    }),
  choiceKnown: (body) =>
    typeof body["tool_choice"] !== "string" || ["none", "auto", "required"].includes(body["tool_choice"])
      ? null
      : refuse("tool_choice"),
  choiceHasTools: (body) =>
    isAbsent(body["tool_choice"]) || listFunctions(body).length > 0 ? null : refuse("tool_choice"),
  choiceIsOffered: (body) => {
    const chosen = readNamedChoice(body);
    const isOffered = chosen === undefined || listFunctions(body).some(({ name }) => name === chosen);
    return isOffered || listFunctions(body).length === 0 ? null : refuse("tool_choice.function.name");
  },
  formatKnown: (body) => {
    const type = readFormat(body)["type"];
    return isAbsent(body[FORMAT]) || ["text", "json_object", "json_schema"].includes(String(type))
      ? null
      : refuse("response_format.type");
  },
  schemaFormatPresent: (body) =>
    isSchemaFormat(body) && !isJsonObject(readFormat(body)["json_schema"]) ? refuse(FORMAT) : null,
  schemaNamed: (body) =>
    hasSchemaFormat(body) && readSchemaFormat(body)["name"] === undefined
      ? refuse("response_format.json_schema")
      : null,
  schemaPresent: (body) =>
    hasSchemaFormat(body) && readSchemaFormat(body)["schema"] === undefined ? refuse(SCHEMA) : null,
  schemaObject: (body) => {
    const { schema } = readSchemaFormat(body);
    return schema === undefined || isJsonObject(schema) ? null : refuse(SCHEMA);
  },
  schemaPossible: (body) => {
    const { schema } = readSchemaFormat(body);
    return !isJsonObject(schema) || sampleSchema(schema) !== undefined ? null : refuse(SCHEMA);
  },
  textOnly: (body) => {
    const parts = readMessages(body).flatMap(({ content }) => (Array.isArray(content) ? content : []));
    return parts.every((part) => isJsonObject(part) && part["type"] === "text") ? null : refuse("messages");
  },
} satisfies Record<string, Rule>;

function refuse(param: string): Refusal {
  return makeRefusal("invalid_value", { param });
}

/** Blames the first tool for which `holds` doesn't. */
function refuseTool(body: ChatBody, path: string, holds: (tool: JsonObject) => boolean): Refusal | null {
  const tools = Array.isArray(body["tools"]) ? body["tools"] : [];
  const wrong = tools.findIndex((tool) => !isJsonObject(tool) || !holds(tool));
  return wrong === -1 ? null : refuse(`tools[${wrong}].${path}`);
}

export function readFormat(body: ChatBody): JsonObject {
  return isJsonObject(body[FORMAT]) ? body[FORMAT] : {};
}

export function readSchemaFormat(body: ChatBody): JsonObject {
  const { json_schema: format } = readFormat(body);
  return isJsonObject(format) ? format : {};
}

function isSchemaFormat(body: ChatBody): boolean {
  return readFormat(body)["type"] === "json_schema";
}

function hasSchemaFormat(body: ChatBody): boolean {
  return isSchemaFormat(body) && isJsonObject(readFormat(body)["json_schema"]);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}
