/**
 * Writes one value that conforms to a JSON Schema, for the reference server. It supports only what the checks ask for.
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
  const { anyOf } = schema;
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
      return sampleInteger(schema);
    case "string":
      return typeof schema["pattern"] === "string" ? samplePattern(schema["pattern"]) : "text";
    case "boolean":
      return true;
    case "null":
      return null;
    default:
      return undefined;
  }
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
  const length = typeof schema["minItems"] === "number" ? schema["minItems"] : 0;
  const items = Array.from({ length }, (_, position) => sampleProperty(schema["items"], { ...sampling, position }));
  return items.includes(undefined) ? undefined : items;
}

function sampleInteger(schema: JsonObject): number {
  const { minimum, multipleOf } = schema;
  const step = typeof multipleOf === "number" ? multipleOf : 1;
  return typeof minimum === "number" ? Math.ceil(minimum / step) * step : 0;
}

/** Literals, classes such as `[xyz]` or `[0-9]`, and counts such as `{4}`. */
function samplePattern(pattern: string): string {
  const parts = pattern.slice(1, -1).matchAll(/(?:\[(.)[^\]]*\]|(.))(?:\{(\d+)\})?/g);
  return [...parts].map(([, first, literal, count]) => (first ?? literal ?? "").repeat(Number(count ?? 1))).join("");
}

function sampleReference(reference: string, sampling: Sampling): unknown {
  let found: unknown = sampling.root;
  for (const key of reference.split("/").slice(1)) found = isJsonObject(found) ? found[key] : undefined;
  return sampleProperty(found, sampling);
}
