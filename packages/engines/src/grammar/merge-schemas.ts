/** Merges schemas that all apply to a value (`allOf`, keywords next to `$ref` or `anyOf`) into one. */

import { isRecord } from "@openai-compat/core";
import type { SchemaObject } from "./schema-view.ts";

export interface MergeOptions {
  readonly path: string;
  /** Called with a keyword whose two values can't be merged; the first one is kept. */
  readonly onConflict: (keyword: string, path: string) => void;
}

type Merge = (left: unknown, right: unknown, options: MergeOptions) => unknown;

const greatest: Merge = (left, right) => Math.max(Number(left), Number(right));
const least: Merge = (left, right) => Math.min(Number(left), Number(right));
const isSame = (left: unknown, right: unknown) => JSON.stringify(left) === JSON.stringify(right);

/** Merge functions by keyword. Different values of any other keyword conflict. */
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
    const fitsInto = (type: unknown, types: readonly unknown[]) =>
      types.includes(type) || (type === "integer" && types.includes("number"));
    const [mine, theirs] = [asList(left), asList(right)];
    const shared = new Set([
      ...mine.filter((type) => fitsInto(type, theirs)),
      ...theirs.filter((type) => fitsInto(type, mine)),
    ]);
    return [...shared].filter((type) => type !== "integer" || !shared.has("number"));
  },
  additionalProperties: mergeValues,
  items: mergeValues,
  allOf: (left, right) => [...asList(left), ...asList(right)],
};

export function mergeSchemas(left: SchemaObject, right: SchemaObject, options: MergeOptions): SchemaObject {
  const theirs = withoutTuple(left, right, options);
  const merged: Record<string, unknown> = { ...theirs, ...left };
  for (const keyword of Object.keys(theirs)) {
    const [mine, other] = [left[keyword], theirs[keyword]];
    if (keyword === "properties" || mine === undefined || isSame(mine, other)) continue;
    const merge = MERGES[keyword];
    if (merge === undefined) options.onConflict(keyword, options.path);
    else merged[keyword] = merge(mine, other, options);
  }
  const names = new Set([left, theirs].flatMap(({ properties }) => Object.keys(asObject(properties))));
  const mergeMember = (name: string) => mergeValues(memberOf(left, name), memberOf(theirs, name), options);
  if (names.size > 0) merged["properties"] = Object.fromEntries([...names].map((name) => [name, mergeMember(name)]));
  return merged;
}

/** The `items` of both would apply from different indexes on: then the second one's are left out. */
function withoutTuple(left: SchemaObject, right: SchemaObject, { path, onConflict }: MergeOptions): SchemaObject {
  const says = ({ prefixItems, items }: SchemaObject) => prefixItems !== undefined || items !== undefined;
  const isTuple = left["prefixItems"] !== undefined || right["prefixItems"] !== undefined;
  if (!isTuple || !says(left) || !says(right) || isSame(left["prefixItems"], right["prefixItems"])) return right;
  onConflict("prefixItems", path);
  const { prefixItems: _first, items: _rest, ...others } = right;
  return others;
}

/** The schema of a member, which may be that of all additional members. */
function memberOf({ properties, additionalProperties }: SchemaObject, name: string): unknown {
  const declared = asObject(properties);
  return Object.hasOwn(declared, name) ? declared[name] : (additionalProperties ?? true);
}

function mergeValues(left: unknown, right: unknown, options: MergeOptions): unknown {
  if (left === false || right === false) return false;
  if (isRecord(left) && isRecord(right)) return mergeSchemas(left, right, options);
  return isRecord(left) ? left : right;
}

function asList(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function asObject(value: unknown): SchemaObject {
  return isRecord(value) ? value : {};
}
