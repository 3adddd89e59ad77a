/** Reads the keywords of an unvalidated JSON Schema with their expected types. */

import { isRecord } from "@openai-compat/core";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

export type SchemaObject = Readonly<Record<string, unknown>>;

/** A schema and its position, a JSON pointer. */
export interface SchemaView {
  readonly schema: SchemaObject;
  readonly path: string;
}

/** @throws UnsupportedSchemaError for a value that is not a schema; `true` is the empty schema. */
export function viewSchema(value: unknown, path: string): SchemaView {
  if (value === true) return { schema: {}, path };
  if (isRecord(value)) return { schema: value, path };
  throw new UnsupportedSchemaError(path, value === false ? "nothing fits the schema `false`" : "a schema is an object");
}

export function readNumber({ schema, path }: SchemaView, keyword: string): number | null {
  const value = schema[keyword];
  if (value === undefined || value === null) return null;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw new UnsupportedSchemaError(path, `'${keyword}' has to be a number`);
}

/** A non-negative integer. */
export function readCount(view: SchemaView, keyword: string): number | null {
  const value = readNumber(view, keyword);
  if (value === null || (Number.isInteger(value) && value >= 0)) return value;
  throw new UnsupportedSchemaError(view.path, `'${keyword}' has to be a whole number from 0 on`);
}

export function readText({ schema, path }: SchemaView, keyword: string): string | null {
  const value = schema[keyword];
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  throw new UnsupportedSchemaError(path, `'${keyword}' has to be a string`);
}

export function readList({ schema, path }: SchemaView, keyword: string): readonly unknown[] | null {
  const value = schema[keyword];
  if (value === undefined || value === null) return null;
  if (Array.isArray(value)) return value;
  throw new UnsupportedSchemaError(path, `'${keyword}' has to be an array`);
}

export function readMap({ schema, path }: SchemaView, keyword: string): SchemaObject | null {
  const value = schema[keyword];
  if (value === undefined || value === null) return null;
  if (isRecord(value)) return value;
  throw new UnsupportedSchemaError(path, `'${keyword}' has to be an object`);
}

export function readNames(view: SchemaView, keyword: string): readonly string[] {
  return (readList(view, keyword) ?? []).map((name) => {
    if (typeof name === "string") return name;
    throw new UnsupportedSchemaError(view.path, `'${keyword}' has to hold strings`);
  });
}

/** Appends a step to a JSON pointer. @see https://www.rfc-editor.org/rfc/rfc6901 */
export function join(path: string, ...steps: readonly (string | number)[]): string {
  return steps.reduce<string>(
    (joined, step) => `${joined}/${String(step).replaceAll("~", "~0").replaceAll("/", "~1")}`,
    path,
  );
}

/** @returns undefined when it leads nowhere. */
export function followPointer(root: unknown, pointer: string): unknown {
  let found: unknown = root;
  for (const step of pointer.split("/").slice(1)) {
    const name = step.replaceAll("~1", "/").replaceAll("~0", "~");
    if (Array.isArray(found)) found = found[Number(name)];
    else found = isRecord(found) && Object.hasOwn(found, name) ? found[name] : undefined;
  }
  return found;
}
