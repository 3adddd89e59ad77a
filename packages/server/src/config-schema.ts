/** Looks things up in the schema of the configuration: the keys at a path, and their descriptions. */

import { z } from "zod";
import { settingMarks } from "./settings/marks.ts";
import type { SettingMarks } from "./settings/marks.ts";

type Schema = z.core.$ZodType;

/** Without what only says which value stands in for none, or prepares one. */
export function unwrapSchema(schema: Schema): Schema {
  if (schema instanceof z.ZodPipe) return unwrapSchema(schema.def.out);
  const isWrapper =
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodOptional;
  return isWrapper ? unwrapSchema(schema.def.innerType) : schema;
}

/** The description that is nearest to the outside. */
export function describeSchema(schema: Schema): string {
  const description = z.globalRegistry.get(schema)?.description;
  if (description !== undefined) return description;
  const inner = unwrapOnce(schema);
  return inner === null ? "" : describeSchema(inner);
}

function unwrapOnce(schema: Schema): Schema | null {
  if (schema instanceof z.ZodPipe) return schema.def.out;
  const inner = unwrapSchema(schema);
  return inner === schema ? null : inner;
}

/**
 * What the schema says at a path of a value. Of a union, the value decides which member counts.
 *
 * @returns null where the path leaves the schema
 */
export function findSchema(root: Schema, path: readonly PropertyKey[], value: unknown): Schema | null {
  let schema: Schema | null = root;
  let inner = value;
  for (const key of path) {
    if (schema === null) return null;
    schema = findMember(chooseMember(schema, inner), key);
    inner = readMember(inner, key);
  }
  return schema === null ? null : chooseMember(schema, inner);
}

function chooseMember(schema: Schema, value: unknown): Schema {
  const inner = unwrapSchema(schema);
  if (!(inner instanceof z.ZodDiscriminatedUnion)) return schema;
  const { discriminator, options } = inner.def;
  const chosen = readMember(value, discriminator);
  return options.find((option) => readLiteral(option, discriminator) === chosen) ?? schema;
}

/** Those of the schema and of what it wraps; the outermost counts. */
export function readMarks(schema: Schema): SettingMarks {
  const inner = unwrapOnce(schema);
  return { ...(inner === null ? {} : readMarks(inner)), ...settingMarks.get(schema) };
}

type MapText = (text: string, schema: Schema) => string;

/** The same object, each text in it replaced; what the schema does not know stays as it is. */
export function mapTexts(schema: Schema, object: object, map: MapText): Record<string, unknown> {
  const known = chooseMember(schema, object);
  return Object.fromEntries(
    Object.entries(object).map(([key, member]) => [key, mapValue(findMember(known, key), member, map)]),
  );
}

function mapValue(schema: Schema | null, value: unknown, map: MapText): unknown {
  if (schema === null) return value;
  if (typeof value === "string") return map(value, schema);
  if (Array.isArray(value)) return value.map((item, index) => mapValue(findMember(schema, index), item, map));
  return typeof value === "object" && value !== null ? mapTexts(schema, value, map) : value;
}

/** The value that distinguishes a member of a union. */
export function readLiteral(schema: Schema, discriminator: string): unknown {
  const member = findMember(schema, discriminator);
  return member instanceof z.ZodLiteral ? member.value : undefined;
}

function findMember(schema: Schema, key: PropertyKey): Schema | null {
  const inner = unwrapSchema(schema);
  if (inner instanceof z.ZodObject) return Object.hasOwn(inner.shape, key) ? (inner.shape[String(key)] ?? null) : null;
  if (inner instanceof z.ZodArray) return inner.def.element;
  return inner instanceof z.ZodRecord ? inner.def.valueType : null;
}

/** The keys that an object at this path may have. */
export function listKnownKeys(schema: Schema | null): readonly string[] {
  const inner = schema === null ? null : unwrapSchema(schema);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** @returns undefined where there is none. */
function readMember(value: unknown, key: PropertyKey): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined;
  return Reflect.get(value, key);
}

export function readPath(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(readMember, value);
}
