/** Which keywords of JSON Schema are kept to, which change nothing, and which are refused because they can't be kept to. */

import { type SchemaView, isObject } from "./schema-view.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

const words = (text: string): ReadonlySet<string> => new Set(text.split(" "));

/** What limits the values that fit, and is kept to. */
const ENFORCED = words(
  "type nullable enum const anyOf oneOf allOf $ref properties required additionalProperties items prefixItems " +
    "additionalItems minItems maxItems minLength maxLength pattern format minimum maximum exclusiveMinimum exclusiveMaximum",
);

/** What describes a schema, or is a place for others. */
const ANNOTATIONS = words(
  "$schema $id $comment $defs $anchor $vocabulary id definitions title description default example examples deprecated " +
    "readOnly writeOnly contentEncoding contentMediaType contentSchema strict name discriminator externalDocs xml markdownDescription",
);

/** Values with which a keyword that can't be kept to says nothing. */
const SAYS_NOTHING: ReadonlyMap<string, (value: unknown) => boolean> = new Map([
  ["uniqueItems", (value: unknown) => value === false],
  ["minProperties", (value: unknown) => value === 0],
  ["unevaluatedProperties", (value: unknown) => value !== false],
  ["patternProperties", (value: unknown) => isObject(value) && Object.keys(value).length === 0],
]);

/** @throws UnsupportedSchemaError */
export function checkKeywords({ schema, path }: SchemaView): void {
  for (const [keyword, value] of Object.entries(schema)) {
    if (ENFORCED.has(keyword) || isAnnotation(keyword)) continue;
    if (value === undefined || value === null || SAYS_NOTHING.get(keyword)?.(value) === true) continue;
    throw new UnsupportedSchemaError(path, `'${keyword.slice(0, 60)}' can't be enforced`);
  }
}

function isAnnotation(keyword: string): boolean {
  return ANNOTATIONS.has(keyword) || keyword.startsWith("x-");
}

/** Whether a schema limits anything by itself. */
export function isConstrained({ schema }: SchemaView): boolean {
  return Object.keys(schema).some((keyword) => ENFORCED.has(keyword));
}

/** The limits of a schema, without its descriptions and places, and without the keywords that are named. */
export function pickConstraints({ schema }: SchemaView, without: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(schema).filter(
      ([keyword, value]) =>
        !isAnnotation(keyword) &&
        !without.includes(keyword) &&
        value !== undefined &&
        // Elsewhere null says nothing; merged with a number, it would pass for 0.
        (value !== null || keyword === "const"),
    ),
  );
}
