/**
 * Defects of `response_format`: an answer that does not conform, or only in part, and parts of messages that are no
 * text.
 */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import { readFormat, readSchemaFormat } from "../../operations/structured-output-rules.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import {
  isChat,
  type Mutant,
  mutateChoice,
  mutateChunks,
  mutateFinish,
  mutateReply,
  mutateRequest,
  mutateRule,
  omit,
  readSent,
  refuseWhen,
} from "../mutant.ts";

function hasFormat(body: ChatBody, type: string): boolean {
  return readFormat(body)["type"] === type;
}

/** Loses the format of requests for which `when` holds. */
function dropFormat(id: string, description: string, intended: string, when: (body: ChatBody) => boolean): Mutant {
  return mutateRequest({ id, description, intended: [intended] }, (body) =>
    when(body) ? omit(body, "response_format") : body,
  );
}

/** Reads another schema than the one that was sent, wherever a schema stands in it. */
/** What libraries make has these keywords too. */
const CLIENTS = "chat.inputs.answers-conform";
const WITH_DIALECT = ["zod-4", "openai-node", "zod-to-json-schema", "ai-sdk", "langchain", "openai-agents"].map(
  (group) => `chat.inputs.${group}`,
);
const NOT_STRICT = ["zod-4", "zod-to-json-schema", "pydantic"].map((group) => `chat.inputs.${group}`);

function misread(
  id: string,
  description: string,
  intended: string | readonly string[],
  change: (schema: JsonObject) => JsonObject,
): Mutant {
  return mutateRequest({ id, description, intended: [intended].flat() }, (body) => {
    if (!hasFormat(body, "json_schema")) return body;
    const format = { ...readSchemaFormat(body), schema: changeDeep(readSchemaFormat(body)["schema"], change) };
    return { ...body, response_format: { type: "json_schema", json_schema: format } };
  });
}

function changeDeep(value: unknown, change: (schema: JsonObject) => JsonObject): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => changeDeep(item, change));
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, changeDeep(inner, change)] as const);
  return change(Object.fromEntries(entries));
}

/** Changes the text of non-streaming structured output. */
function mutateFormed(
  id: string,
  description: string,
  intended: string,
  change: (text: string, body: ChatBody) => string,
): Mutant {
  return mutateChoice({ id, description, intended: [intended] }, (choice, body) => {
    const { message } = choice;
    if (!isJsonObject(message) || typeof message["content"] !== "string") return choice;
    return { ...choice, message: { ...message, content: change(message["content"], body) } };
  });
}

function isObjectSchema(schema: unknown): boolean {
  return isJsonObject(schema) && schema["type"] === "object";
}

function readProperties(schema: unknown): JsonObject {
  return isJsonObject(schema) && isJsonObject(schema["properties"]) ? schema["properties"] : {};
}

/** What a validator makes of `anyOf` that takes it for `allOf`. */
function mergeOptions(schema: JsonObject): JsonObject {
  const { anyOf } = schema;
  if (!Array.isArray(anyOf) || !anyOf.every(isObjectSchema)) return schema;
  const properties = Object.fromEntries(anyOf.flatMap((option) => Object.entries(readProperties(option))));
  return { type: "object", properties, required: Object.keys(properties) };
}

/** A schema whose definitions are not looked up. */
function loseDefinitions(schema: JsonObject, isRecursive: boolean): JsonObject {
  if (schema["$defs"] === undefined || JSON.stringify(schema["$defs"]).includes("$ref") !== isRecursive) return schema;
  const names = Object.keys(readProperties(schema));
  return { ...schema, properties: Object.fromEntries(names.map((name) => [name, { type: "boolean" }])) };
}

const ENFORCEMENT: readonly Mutant[] = [
  dropFormat("format.object-ignored", "json_object is ignored", "chat.format.json-object", (body) =>
    hasFormat(body, "json_object"),
  ),
  mutateFormed("format.fenced", "JSON comes in a fence of Markdown", "chat.format.json-object", (text, body) =>
    hasFormat(body, "json_object") ? `\`\`\`json\n${text}\n\`\`\`` : text,
  ),
  dropFormat(
    "format.object-stream-ignored",
    "json_object is ignored in a stream",
    "chat.format.json-object-stream",
    (body) => body["stream"] === true && hasFormat(body, "json_object"),
  ),
  dropFormat("format.schema-ignored", "json_schema is ignored", "chat.format.json-schema", (body) =>
    hasFormat(body, "json_schema"),
  ),
  mutateRequest(
    {
      id: "format.schema-is-object",
      description: "json_schema counts as json_object",
      intended: ["chat.format.json-schema"],
    },
    (body) => (hasFormat(body, "json_schema") ? { ...body, response_format: { type: "json_object" } } : body),
  ),
  dropFormat(
    "format.schema-stream-ignored",
    "json_schema is ignored in a stream",
    "chat.format.json-schema-stream",
    (body) => body["stream"] === true && hasFormat(body, "json_schema"),
  ),
  mutateChunks(
    {
      id: "format.stream-differs",
      description: "streamed structured output has another value",
      intended: ["chat.format.stream-equals-one-shot"],
    },
    (chunks, body) => {
      if (!hasFormat(body, "json_schema")) return chunks;
      return chunks.map((chunk) => ({
        ...chunk,
        choices: chunk.choices.map((choice) => ({
          ...choice,
          delta: { ...choice.delta, content: choice.delta.content?.replace("7301", "7302") },
        })),
      }));
    },
  ),
  refuseWhen("format.dialect-refused", "`$schema` is refused", ["chat.format.parse", ...WITH_DIALECT], (body) => {
    const { schema } = readSchemaFormat(body);
    return isJsonObject(schema) && "$schema" in schema;
  }),
  mutateFinish(
    "format.finish-length",
    'structured output ends with "length"',
    "chat.format.finish-stop",
    (reason, body) =>
      // With this limit a check asks whether it was reached at all, which is another defect.
      reason === "stop" && hasFormat(body, "json_schema") && body["max_tokens"] !== 199 ? "length" : undefined,
  ),
  mutateFinish(
    "format.cut-finish",
    'structured output that is cut ends with "stop"',
    "chat.format.cut-at-limit",
    (reason, body) => (reason === "length" && hasFormat(body, "json_schema") ? "stop" : undefined),
  ),
  mutateRequest(
    {
      id: "format.stop-ignored",
      description: "`stop` is ignored in structured output",
      intended: ["chat.format.stop"],
    },
    (body) => (hasFormat(body, "json_schema") ? omit(body, "stop") : body),
  ),
  dropFormat(
    "format.tools-win",
    "response_format is ignored where tools are offered",
    "chat.format.with-tools",
    (body) => Array.isArray(body["tools"]),
  ),
  refuseWhen(
    "format.strict-demanded",
    "only strict schemas are taken",
    ["chat.format.not-strict", ...NOT_STRICT],
    (body) => {
      const { schema, strict } = readSchemaFormat(body);
      return schema !== undefined && strict !== true;
    },
  ),
];

const KEYWORDS: readonly Mutant[] = [
  misread("schema.const-ignored", "`const` is ignored", ["chat.format.schema-const", CLIENTS], (schema) =>
    omit(schema, "const"),
  ),
  misread(
    "schema.required-ignored",
    "at most two properties are written",
    ["chat.format.schema-required", CLIENTS],
    (schema) => (Array.isArray(schema["required"]) ? { ...schema, required: schema["required"].slice(0, 2) } : schema),
  ),
  mutateFormed(
    "schema.additional-properties",
    "a property is added that is not allowed",
    "chat.format.schema-required",
    (text) => text.replace('"tarn":true', '$&,"sea":true'),
  ),
  mutateFormed(
    "schema.optional-free",
    "an optional property has any value",
    "chat.format.schema-optional",
    (text, body) =>
      "note" in readProperties(readSchemaFormat(body)["schema"]) ? text.replace(/\}$/, ',"note":"the sea"}') : text,
  ),
  misread("schema.type-list-ignored", "a list of types allows any text", "chat.format.schema-nullable", (schema) =>
    Array.isArray(schema["type"]) ? { type: "string" } : schema,
  ),
  misread(
    "schema.nested-free",
    "an object in an object may be any",
    ["chat.format.schema-nested", CLIENTS],
    (schema) => {
      const entries = Object.entries(readProperties(schema));
      if (entries.length === 0 || schema["$defs"] !== undefined) return schema;
      const loose = entries.map(([name, inner]) => [name, isObjectSchema(inner) ? { type: "object" } : inner]);
      return { ...schema, properties: Object.fromEntries(loose) };
    },
  ),
  misread("schema.items-ignored", "objects in an array may be any", "chat.format.schema-items", (schema) =>
    isObjectSchema(schema["items"]) ? { ...schema, items: { type: "object" } } : schema,
  ),
  misread("schema.bounds-ignored", "an array has three items at most", "chat.format.schema-array-bounds", (schema) =>
    typeof schema["minItems"] === "number" ? { ...schema, minItems: Math.min(3, schema["minItems"]) } : schema,
  ),
  misread("schema.any-of-is-all-of", "`anyOf` counts as `allOf`", "chat.format.schema-any-of", mergeOptions),
  misread("schema.definitions-lost", "`$ref` allows anything", ["chat.format.schema-definitions", CLIENTS], (schema) =>
    loseDefinitions(schema, false),
  ),
  misread(
    "schema.recursion-lost",
    "a recursive `$ref` allows anything",
    ["chat.format.schema-recursion", CLIENTS],
    (schema) => loseDefinitions(schema, true),
  ),
  misread("schema.range-ignored", "`minimum` is ignored", "chat.format.schema-integer-range", (schema) =>
    "multipleOf" in schema ? schema : omit(schema, "minimum"),
  ),
  mutateFormed("schema.integer-fraction", "an integer has a fraction", "chat.format.schema-integer-range", (text) =>
    text.replace('"ossels":7301', "$&.5"),
  ),
  misread("schema.pattern-ignored", "`pattern` is ignored", ["chat.format.schema-pattern", CLIENTS], (schema) =>
    omit(schema, "pattern"),
  ),
  misread("schema.multiple-of-ignored", "`multipleOf` is ignored", "chat.format.schema-multiple-of", (schema) =>
    omit(schema, "multipleOf"),
  ),
  misread("schema.unique-items-ignored", "`uniqueItems` is ignored", "chat.format.schema-unique-items", (schema) =>
    schema["uniqueItems"] === true ? { ...schema, items: { const: "zq-7301" } } : schema,
  ),
];

const MEDIA = { image: "image_url", audio: "input_audio" } as const;

const MEDIA_MUTANTS: readonly Mutant[] = [
  mutateRule(
    {
      id: "media.dropped",
      description: "parts that are no text are dropped",
      intended: ["chat.messages.image-part", "chat.messages.audio-part"],
    },
    "textOnly",
    () => null,
  ),
  ...Object.entries(MEDIA).map(([medium, part]) =>
    mutateReply(
      {
        id: `media.${medium}-is-500`,
        description: `a part of ${medium} is a 500`,
        intended: [`chat.messages.${medium}-part`],
      },
      (reply, call) => isChat(call) && reply.status === 400 && readSent(call).includes(part),
      () => ({ status: 500 }),
    ),
  ),
];

export const formatMutants: readonly Mutant[] = [...ENFORCEMENT, ...KEYWORDS, ...MEDIA_MUTANTS];
