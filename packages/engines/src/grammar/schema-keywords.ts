/**
 * The keywords of JSON Schema that limit values, and those of them that a grammar can't enforce. All others are
 * annotations.
 */

import { isRecord } from "@openai-compat/core";
import type { SchemaView } from "./schema-view.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** Keywords that the compiler reads. */
const ENFORCED = words(
  "type nullable enum const anyOf oneOf allOf $ref properties required additionalProperties items prefixItems " +
    "additionalItems minItems maxItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum " +
    "multipleOf uniqueItems patternProperties propertyNames minProperties maxProperties",
);

/** Keywords that no grammar enforces, and the values with which they have no effect. */
const UNENFORCED: ReadonlyMap<string, (value: unknown, view: SchemaView) => boolean> = new Map<
  string,
  (value: unknown, view: SchemaView) => boolean
>([
  ["not", (value) => value === false],
  ["if", (_value, { schema }) => schema["then"] === undefined && schema["else"] === undefined],
  ["then", (value, { schema }) => schema["if"] === undefined || isVacuous(value)],
  ["else", (value, { schema }) => schema["if"] === undefined || isVacuous(value)],
  ["contains", () => false],
  ["minContains", (_value, { schema }) => schema["contains"] === undefined],
  ["maxContains", (_value, { schema }) => schema["contains"] === undefined],
  ["dependentRequired", isEmpty],
  ["dependentSchemas", isEmpty],
  ["dependencies", isEmpty],
  ["unevaluatedProperties", (value) => value !== false],
  ["unevaluatedItems", (value) => value !== false],
  ["$dynamicRef", () => false],
  ["$recursiveRef", () => false],
]);

/** Those of them that may affect members that are not declared elsewhere. */
const SPEAKS_OF_MEMBERS = words(
  "not if then else dependentRequired dependentSchemas dependencies $dynamicRef $recursiveRef",
);

function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function isVacuous(value: unknown): boolean {
  return value === true || isEmpty(value);
}

/** The keywords of a schema that limit it and can't be enforced. */
export function listUnenforced(view: SchemaView): readonly string[] {
  return Object.entries(view.schema).flatMap(([keyword, value]) => {
    const saysNothing = UNENFORCED.get(keyword);
    if (saysNothing === undefined || value === undefined || value === null) return [];
    return saysNothing(value, view) ? [] : [keyword];
  });
}

/** Keywords that take more than a few rules. */
const COUNTED = words(
  "pattern format minLength maxLength minimum maximum exclusiveMinimum exclusiveMaximum multipleOf minItems maxItems uniqueItems " +
    "patternProperties propertyNames minProperties maxProperties",
);

/** The keywords of a schema that are dropped first where it is too large. */
export function listCounted({ schema }: SchemaView): readonly string[] {
  return Object.keys(schema).filter((keyword) => COUNTED.has(keyword));
}

/** Whether an unenforced keyword may affect undeclared members, so that they must stay allowed. */
export function speaksOfMembers(view: SchemaView): boolean {
  return listUnenforced(view).some((keyword) => SPEAKS_OF_MEMBERS.has(keyword));
}

/** Whether a schema limits anything by itself. */
export function isConstrained({ schema }: SchemaView): boolean {
  return Object.entries(schema).some(
    ([keyword, value]) => ENFORCED.has(keyword) && value !== undefined && value !== null,
  );
}

/** The limits of a schema, without its annotations and without the keywords that are named. */
export function pickConstraints({ schema }: SchemaView, without: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).filter(
      ([keyword, value]) =>
        (ENFORCED.has(keyword) || UNENFORCED.has(keyword)) &&
        !without.includes(keyword) &&
        value !== undefined &&
        // Null has no effect elsewhere; merged with a number, it would count as 0.
        (value !== null || keyword === "const"),
    ),
  );
}

const isCount = (value: unknown) => typeof value === "number" && Number.isInteger(value) && value >= 0;
const isNumber = (value: unknown) => typeof value === "number" && Number.isFinite(value);
const isText = (value: unknown) => typeof value === "string";
const isSchema = (value: unknown) => typeof value === "boolean" || isRecord(value);
const isNames = (value: unknown) => Array.isArray(value) && value.every(isText);
const isMap = isRecord;
const isList = (value: unknown) => Array.isArray(value) && value.length > 0;

/** The expected type of each keyword's value. */
const SHAPES: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["enum", isList],
  ["anyOf", isList],
  ["oneOf", isList],
  ["allOf", isList],
  ["$ref", isText],
  ["properties", isMap],
  ["required", isNames],
  ["additionalProperties", isSchema],
  ["items", (value: unknown) => isSchema(value) || Array.isArray(value)],
  ["prefixItems", isList],
  ["additionalItems", isSchema],
  ["minItems", isCount],
  ["maxItems", isCount],
  ["minLength", isCount],
  ["maxLength", isCount],
  ["minProperties", isCount],
  ["maxProperties", isCount],
  ["pattern", isText],
  ["format", isText],
  ["minimum", isNumber],
  ["maximum", isNumber],
  ["exclusiveMinimum", isNumber],
  ["exclusiveMaximum", isNumber],
  ["multipleOf", (value: unknown) => typeof value === "number" && Number.isFinite(value) && value > 0],
  ["uniqueItems", (value: unknown) => typeof value === "boolean"],
  ["patternProperties", isMap],
  ["propertyNames", isSchema],
]);

/** The keywords whose values are malformed. */
export function listMalformed({ schema }: SchemaView): readonly string[] {
  return Object.entries(schema).flatMap(([keyword, value]) => {
    const isShaped = SHAPES.get(keyword);
    return isShaped === undefined || value === undefined || value === null || isShaped(value) ? [] : [keyword];
  });
}
