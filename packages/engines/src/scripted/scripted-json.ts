/**
 * JSON that fits a schema, always the same for the same schema: the shortest that is not empty. Where a schema says more
 * than this understands, it is refused and never ignored.
 */

import type { JsonSchema } from "@openai-compat/core";

/** A schema that the scripted engine can't keep to; the message says which part. */
export class UnscriptableSchemaError extends Error {
  override readonly name = "UnscriptableSchemaError";
}

/** What changes nothing, and what is understood below. */
const KEYWORDS: ReadonlySet<string> = new Set(
  (
    "$schema $id $comment title description default examples deprecated readOnly writeOnly strict nullable $ref $defs " +
    "definitions enum const anyOf oneOf type properties required additionalProperties items minItems maxItems minLength " +
    "maxLength minimum maximum"
  ).split(" "),
);
const DEPTH_MAX = 32;

/** @throws UnscriptableSchemaError */
export function composeJson(schema: JsonSchema): unknown {
  return composeValue(schema, { root: schema, depth: 0 });
}

interface Place {
  readonly root: JsonSchema;
  readonly depth: number;
}

function composeValue(schema: unknown, place: Place): unknown {
  if (schema === true) return null;
  if (!isObject(schema)) throw new UnscriptableSchemaError("a schema has to be an object");
  if (place.depth > DEPTH_MAX) throw new UnscriptableSchemaError("it never ends");
  const inner = { root: place.root, depth: place.depth + 1 };
  const unknown = Object.keys(schema).find((key) => !KEYWORDS.has(key));
  if (unknown !== undefined) throw new UnscriptableSchemaError(`the keyword '${unknown.slice(0, 40)}'`);
  if (typeof schema["$ref"] === "string") return composeValue(resolveReference(place.root, schema["$ref"]), inner);
  if ("const" in schema) return schema["const"];
  if (Array.isArray(schema["enum"])) return schema["enum"][0];
  const union = schema["anyOf"] ?? schema["oneOf"];
  if (Array.isArray(union)) return composeFirst(union, inner);
  return composeType(schema, inner);
}

/** The last one often ends a recursion, so when the first does not end, the next is tried. */
function composeFirst(options: readonly unknown[], place: Place): unknown {
  for (const option of options.slice(0, -1)) {
    try {
      return composeValue(option, place);
    } catch (thrown) {
      if (!(thrown instanceof UnscriptableSchemaError)) throw thrown;
    }
  }
  return composeValue(options.at(-1), place);
}

function composeType(schema: Record<string, unknown>, place: Place): unknown {
  const { type, properties } = schema;
  const first: unknown = Array.isArray(type) ? type[0] : type;
  const isUntypedObject = first === undefined && isObject(properties);
  switch (isUntypedObject ? "object" : first) {
    case "object":
      return composeObject(schema, place);
    case "array":
      return Array.from({ length: readNumber(schema, "minItems") ?? 0 }, () =>
        composeValue(schema["items"] ?? true, place),
      );
    case "string":
      return composeText(schema);
    case "integer":
    case "number":
      return composeNumber(readNumber(schema, "minimum"), readNumber(schema, "maximum"));
    case "boolean":
      return true;
    default:
      return null;
  }
}

function composeObject({ properties = {}, required = [] }: Record<string, unknown>, place: Place): unknown {
  if (!isObject(properties) || !Array.isArray(required)) throw new UnscriptableSchemaError("an object's properties");
  const value: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(properties)) {
    if (required.includes(name)) value[name] = composeValue(schema, place);
  }
  for (const name of required) if (typeof name === "string" && !(name in value)) value[name] = null;
  return value;
}

function composeText(schema: Record<string, unknown>): string {
  const length = Math.max(
    readNumber(schema, "minLength") ?? 0,
    Math.min(WORD.length, readNumber(schema, "maxLength") ?? WORD.length),
  );
  return WORD.repeat(Math.ceil(length / WORD.length)).slice(0, length);
}

/** 1, or the next whole number within the bounds. */
function composeNumber(minimum: number | null, maximum: number | null): number {
  const least = Math.ceil(minimum ?? Number.NEGATIVE_INFINITY);
  const most = Math.floor(maximum ?? Number.POSITIVE_INFINITY);
  if (least > most) throw new UnscriptableSchemaError("its bounds");
  return Math.min(Math.max(1, least), most);
}

const WORD = "scripted";

function resolveReference(root: JsonSchema, reference: string): unknown {
  let found: unknown = root;
  for (const part of reference.replace(/^#\/?/, "").split("/").filter(Boolean)) {
    const name = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isObject(found) ? found[name] : undefined;
  }
  if (found === undefined || !reference.startsWith("#")) {
    throw new UnscriptableSchemaError(`the reference '${reference.slice(0, 80)}'`);
  }
  return found;
}

function readNumber(schema: Record<string, unknown>, key: string): number | null {
  const value = schema[key];
  return typeof value === "number" ? value : null;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
