/** Whether no value can fit two schemas, as far as that is easy to see: then `oneOf` means `anyOf`. */

import { isObject, readList, readMap, readNames, viewSchema } from "./schema-view.ts";
import type { SchemaView } from "./schema-view.ts";

/** @param resolve follows references. */
export function areDisjoint(left: SchemaView, right: SchemaView, resolve: (view: SchemaView) => SchemaView): boolean {
  const [first, second] = [resolve(left), resolve(right)];
  const types = [readTypes(first), readTypes(second)] as const;
  if (types[0] !== null && types[1] !== null && types[0].every((type) => types[1]?.includes(type) === false))
    return true;
  const values = [readValues(first), readValues(second)] as const;
  if (values[0] !== null && values[1] !== null) return values[0].every((value) => values[1]?.includes(value) === false);
  const [properties, others] = [readMap(first, "properties") ?? {}, readMap(second, "properties") ?? {}];
  const required = readNames(second, "required");
  return readNames(first, "required").some((name) => {
    const [mine, theirs] = [properties[name], others[name]];
    if (!required.includes(name) || !isObject(mine) || !isObject(theirs)) return false;
    return areDisjoint(viewSchema(mine, left.path), viewSchema(theirs, right.path), resolve);
  });
}

/** A whole number is a number. */
function readTypes({ schema }: SchemaView): readonly string[] | null {
  const { type } = schema;
  if (type === undefined || schema["nullable"] === true) return null;
  return (Array.isArray(type) ? type : [type]).map((name) => (name === "integer" ? "number" : String(name)));
}

function readValues(view: SchemaView): readonly string[] | null {
  if ("const" in view.schema) return [JSON.stringify(view.schema["const"])];
  return readList(view, "enum")?.map((value) => JSON.stringify(value)) ?? null;
}
