/**
 * Schemas and lists of tools as clients send them: what libraries and servers made, with the program that had them make
 * it (`inputs/`). Nothing here judges.
 */

import { z } from "zod";
import { isJsonObject, type JsonObject } from "../../src/json-object.ts";
import aiSdk from "../../inputs/ai-sdk.json" with { type: "json" };
import langchain from "../../inputs/langchain.json" with { type: "json" };
import mcpServers from "../../inputs/mcp-servers.json" with { type: "json" };
import openaiAgents from "../../inputs/openai-agents.json" with { type: "json" };
import openaiNode from "../../inputs/openai-node.json" with { type: "json" };
import openapi from "../../inputs/openapi.json" with { type: "json" };
import pydantic from "../../inputs/pydantic.json" with { type: "json" };
import zod4 from "../../inputs/zod-4.json" with { type: "json" };
import zodToJsonSchema from "../../inputs/zod-to-json-schema.json" with { type: "json" };

const groupSchema = z.object({
  /** Part of permanent check ids. */
  group: z.string(),
  /** Names and versions of what made the entries. */
  packages: z.array(z.string()).min(1),
  /** What runs the files, whose lines follow. */
  command: z.string(),
  files: z.record(z.string(), z.array(z.string())),
  entries: z.array(
    z.object({
      name: z.string(),
      /** The function or the server that made it. */
      source: z.string(),
      /** Of a chat request. */
      fields: z.record(z.string(), z.unknown()),
    }),
  ),
});

export type InputGroup = z.output<typeof groupSchema>;
export type ClientInput = InputGroup["entries"][number];

export const INPUT_GROUPS: readonly InputGroup[] = [
  zod4,
  openaiNode,
  zodToJsonSchema,
  aiSdk,
  langchain,
  openaiAgents,
  mcpServers,
  pydantic,
  openapi,
].map((group) => groupSchema.parse(group));

/** @throws TypeError where there is none */
export function findInput(group: string, name: string): ClientInput {
  const entries = INPUT_GROUPS.find((one) => one.group === group)?.entries ?? [];
  const found = entries.find((entry) => entry.name === name);
  if (found === undefined) throw new TypeError(`There is no ${name} of ${group}.`);
  return found;
}

/** A schema of a request, and whether it is to be followed to the letter. */
export interface SentSchema {
  readonly schema: JsonObject;
  readonly strict: boolean;
}

export function listSchemas({ fields }: ClientInput): readonly SentSchema[] {
  const { response_format: format, tools } = fields;
  const functions = Array.isArray(tools) ? tools.map((tool) => (isJsonObject(tool) ? tool["function"] : null)) : [];
  const named = [isJsonObject(format) ? format["json_schema"] : null, ...functions].filter(isJsonObject);
  return named.flatMap(({ schema, parameters, strict }) => {
    const given = schema ?? parameters;
    return isJsonObject(given) ? [{ schema: given, strict: strict === true }] : [];
  });
}

/** Keywords that the document permits in the strict mode, and what says nothing of a value. */
const STRICT_KEYWORDS: ReadonlySet<string> = new Set(
  (
    "type properties required additionalProperties items enum const anyOf $ref $defs definitions description title $schema " +
    "pattern format multipleOf maximum minimum exclusiveMaximum exclusiveMinimum minItems maxItems"
  ).split(" "),
);
const STRICT_FORMATS = new Set(["date-time", "time", "date", "duration", "email", "hostname", "ipv4", "ipv6", "uuid"]);

/** Whether the rules of the strict mode let a server refuse the schema. */
export function breaksStrictRules(schema: unknown, isRoot = true): boolean {
  if (!isJsonObject(schema)) return true;
  const { properties, required, additionalProperties: more, format } = schema;
  const names = isJsonObject(properties) ? Object.keys(properties) : [];
  const needed = Array.isArray(required) ? required : [];
  const isObject = [schema["type"]].flat().includes("object");
  if (isRoot && !isObject && schema["$ref"] === undefined) return true;
  if (Object.keys(schema).some((keyword) => !STRICT_KEYWORDS.has(keyword))) return true;
  if (isObject && (more !== false || names.some((name) => !needed.includes(name)))) return true;
  if (typeof format === "string" && !STRICT_FORMATS.has(format)) return true;
  return listInner(schema).some((inner) => breaksStrictRules(inner, false));
}

function listInner({ properties, items, anyOf, $defs, definitions }: JsonObject): readonly unknown[] {
  const maps = [properties, $defs, definitions].filter(isJsonObject).flatMap((map) => Object.values(map));
  return [...maps, ...(items === undefined ? [] : [items]), ...(Array.isArray(anyOf) ? anyOf : [])];
}
