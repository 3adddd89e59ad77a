/** Schemas that a value has to fit together (`allOf`, what stands beside `$ref` or `anyOf`) as one. */

import { isObject } from "./schema-view.ts";
import type { SchemaObject } from "./schema-view.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

type Merge = (left: unknown, right: unknown, path: string) => unknown;

const greatest: Merge = (left, right) => Math.max(Number(left), Number(right));
const least: Merge = (left, right) => Math.min(Number(left), Number(right));
const isSame = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);

/** How two values of a keyword become one. Two different values of any other can't. */
const MERGES: Readonly<Record<string, Merge>> = {
  minimum: greatest,
  exclusiveMinimum: greatest,
  minLength: greatest,
  minItems: greatest,
  maximum: least,
  exclusiveMaximum: least,
  maxLength: least,
  maxItems: least,
  required: (left, right) => [...new Set([...asList(left), ...asList(right)])],
  enum: (left, right) => {
    const others = new Set(asList(right).map((value) => JSON.stringify(value)));
    return asList(left).filter((value) => others.has(JSON.stringify(value)));
  },
  type: (left, right) => {
    const shared = asList(left).filter((type) => asList(right).includes(type));
    return shared.length === 1 ? shared[0] : shared;
  },
  properties: (left, right, path) => {
    const merged: Record<string, unknown> = { ...asObject(left) };
    for (const [name, schema] of Object.entries(asObject(right))) {
      const known = merged[name];
      merged[name] = isObject(known) && isObject(schema) ? mergeSchemas(known, schema, path) : schema;
    }
    return merged;
  },
  additionalProperties: (left, right, path) => {
    if (left === false || right === false) return false;
    return isObject(left) && isObject(right) ? mergeSchemas(left, right, path) : isObject(left) ? left : right;
  },
  items: (left, right, path) => (isObject(left) && isObject(right) ? mergeSchemas(left, right, path) : left),
  allOf: (left, right) => [...asList(left), ...asList(right)],
};

/** @throws UnsupportedSchemaError when both say something that can't be said in one. */
export function mergeSchemas(left: SchemaObject, right: SchemaObject, path: string): SchemaObject {
  const merged: Record<string, unknown> = { ...left };
  for (const [keyword, value] of Object.entries(right)) {
    const known = merged[keyword];
    if (known === undefined || isSame(known, value)) merged[keyword] = value;
    else {
      const merge = MERGES[keyword];
      if (merge === undefined)
        throw new UnsupportedSchemaError(path, `two values of '${keyword}' can't be enforced together`);
      merged[keyword] = merge(known, value, path);
    }
  }
  return merged;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function asObject(value: unknown): SchemaObject {
  return isObject(value) ? value : {};
}
