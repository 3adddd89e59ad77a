/**
 * Writes one value that conforms to a JSON Schema, for the reference server. It supports only what the checks ask for,
 * whose schemas are those of clients.
 */

import { isJsonObject, type JsonObject } from "../src/expect.ts";

/** A value that fits; undefined where the schema asks for what can't be made. */
export function sampleSchema(schema: unknown): unknown {
  return isJsonObject(schema) ? sample(schema, { root: schema, position: 0 }) : undefined;
}

interface Sampling {
  readonly root: JsonObject;
  /** Where in an array the value stands; neighbours differ, so that they are unique. */
  readonly position: number;
}

function sample(schema: JsonObject, sampling: Sampling): unknown {
  if (typeof schema["$ref"] === "string") return sampleReference(schema["$ref"], sampling);
  if (schema["const"] !== undefined) return schema["const"];
  if (Array.isArray(schema["enum"])) return schema["enum"][sampling.position % schema["enum"].length];
  const { allOf } = schema;
  if (Array.isArray(allOf)) {
    const parts = allOf.map((part) => sampleProperty(part, sampling));
    return parts.every(isJsonObject) ? Object.assign({}, ...parts) : parts[0];
  }
  const { oneOf, anyOf = oneOf } = schema;
  if (Array.isArray(anyOf)) {
    // What ends a recursion comes first.
    const options = anyOf.filter(isJsonObject);
    const chosen = options.find(({ type }) => type === "null") ?? options[0];
    return chosen && sample(chosen, sampling);
  }
  return sampleType(schema, sampling);
}

function sampleType(schema: JsonObject, sampling: Sampling): unknown {
  switch ([schema["type"]].flat()[0]) {
    case "object":
      return sampleObject(schema, sampling);
    case "array":
      return sampleArray(schema, sampling);
    case "integer":
    case "number":
      return sampleInteger(schema);
    case "string":
      return sampleString(schema);
    case "boolean":
      return true;
    case "null":
      return null;
    // Anything will do.
    case undefined:
      return isJsonObject(schema["properties"]) ? sampleObject(schema, sampling) : "text";
    default:
      return undefined;
  }
}

/** Of each format that clients send. */
const FORMATS: Readonly<Record<string, string>> = {
  "date-time": "2026-11-30T12:00:00Z",
  date: "2026-11-30",
  time: "12:00:00Z",
  email: "ann@example.com",
  uri: "https://example.com",
  uuid: "3f2b8c1e-5a4d-4e6f-8a7b-9c0d1e2f3a4b",
  ipv4: "192.0.2.1",
};

function sampleString({ format, pattern, minLength }: JsonObject): string {
  if (typeof format === "string" && FORMATS[format] !== undefined) return FORMATS[format];
  if (typeof pattern === "string") return samplePattern(pattern);
  return "text".padEnd(typeof minLength === "number" ? minLength : 0, "x");
}

/** Only what must be there. */
function sampleObject(schema: JsonObject, sampling: Sampling): unknown {
  const properties = isJsonObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"].map(String) : [];
  const entries = required.map((name) => [name, sampleProperty(properties[name], sampling)] as const);
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

function sampleProperty(schema: unknown, sampling: Sampling): unknown {
  return isJsonObject(schema) ? sample(schema, sampling) : undefined;
}

function sampleArray(schema: JsonObject, sampling: Sampling): unknown {
  const { items: list, prefixItems: prefix = list } = schema;
  if (Array.isArray(prefix)) return prefix.map((item) => sampleProperty(item, sampling));
  const length = typeof schema["minItems"] === "number" ? schema["minItems"] : 0;
  const items = Array.from({ length }, (_, position) => sampleProperty(schema["items"], { ...sampling, position }));
  return items.includes(undefined) ? undefined : items;
}

function sampleInteger(schema: JsonObject): number {
  const { minimum, exclusiveMinimum, multipleOf } = schema;
  const step = typeof multipleOf === "number" ? multipleOf : 1;
  if (typeof exclusiveMinimum === "number") return (Math.floor(exclusiveMinimum / step) + 1) * step;
  // Documents of integers have bounds at the ends of what a number can be.
  return typeof minimum === "number" && minimum > -1e6 ? Math.ceil(minimum / step) * step : 0;
}

/** Literals, classes such as `[xyz]` or `[0-9]`, and counts such as `{4}`. */
function samplePattern(pattern: string): string {
  const parts = pattern
    .slice(1, -1)
    .replaceAll(String.raw`\d`, "[0-9]")
    .matchAll(/(?:\[(.)[^\]]*\]|(.))(?:\{(\d+)\})?/g);
  return [...parts].map(([, first, literal, count]) => (first ?? literal ?? "").repeat(Number(count ?? 1))).join("");
}

function sampleReference(reference: string, sampling: Sampling): unknown {
  let found: unknown = sampling.root;
  for (const part of reference.split("/").slice(1)) {
    const key = decodeURIComponent(part).replaceAll("~1", "/").replaceAll("~0", "~");
    found = isJsonObject(found) ? found[key] : undefined;
  }
  return sampleProperty(found, sampling);
}
