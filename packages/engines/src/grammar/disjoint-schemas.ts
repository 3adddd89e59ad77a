/** Whether two schemas are disjoint, as far as simple traits show it: then `oneOf` means `anyOf`. */

import { isRecord } from "@openai-compat/core";
import { readList, readMap, readNames, viewSchema } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";

export interface DisjointCheck {
  /** Follows references. */
  readonly resolve: (view: SchemaView) => SchemaView;
  /** Called with the number of comparisons before they are made; throws when there would be too many. */
  readonly spend: (count: number) => void;
}

/** Nesting depth of compared members: discriminating members are rarely deeper. */
const DEPTH_MAX = 3;

/** @returns a comparison that caches what it has read. */
export function createDisjointCheck({ resolve, spend }: DisjointCheck) {
  const traits = new Map<object, Traits>();
  function readTraits(view: SchemaView): Traits {
    const resolved = resolve(view);
    let known = traits.get(resolved.schema);
    if (known === undefined) traits.set(resolved.schema, (known = listTraits(resolved)));
    return known;
  }
  function compare(left: SchemaView, right: SchemaView, depth: number): boolean {
    const [first, second] = [readTraits(left), readTraits(right)];
    spend(1 + (first.types?.size ?? 0) + (first.values?.size ?? 0) + first.required.size);
    if (first.types !== null && second.types !== null && isApart(first.types, second.types)) return true;
    if (first.values !== null && second.values !== null) return isApart(first.values, second.values);
    if (depth === DEPTH_MAX) return false;
    return [...first.required].some((name) => {
      const [mine, theirs] = [first.properties[name], second.properties[name]];
      if (!second.required.has(name) || !isRecord(mine) || !isRecord(theirs)) return false;
      return compare(viewSchema(mine, left.path), viewSchema(theirs, right.path), depth + 1);
    });
  }
  return (left: SchemaView, right: SchemaView) => compare(left, right, 0);
}

/** Traits that can distinguish two schemas; null where the schema says nothing. */
interface Traits {
  readonly types: ReadonlySet<string> | null;
  readonly values: ReadonlySet<string> | null;
  readonly required: ReadonlySet<string>;
  readonly properties: Readonly<Record<string, unknown>>;
}

function listTraits(view: SchemaView): Traits {
  return {
    types: readTypes(view),
    values: readValues(view),
    required: new Set(readNames(view, "required")),
    properties: readMap(view, "properties") ?? {},
  };
}

function isApart(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return [...left].every((item) => !right.has(item));
}

/** An integer is also a number. */
function readTypes({ schema }: SchemaView): ReadonlySet<string> | null {
  const { type } = schema;
  if (type === undefined || schema["nullable"] === true) return null;
  return new Set((Array.isArray(type) ? type : [type]).map((name) => (name === "integer" ? "number" : String(name))));
}

function readValues(view: SchemaView): ReadonlySet<string> | null {
  if ("const" in view.schema) return new Set([JSON.stringify(view.schema["const"])]);
  const values = readList(view, "enum");
  return values === null ? null : new Set(values.map((value) => JSON.stringify(value)));
}
