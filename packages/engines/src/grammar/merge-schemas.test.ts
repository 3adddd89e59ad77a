/** Merged schemas, validated with ajv: their grammar is never wider than each of them. */

import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { compileWhole } from "./testing/compile-whole.ts";
import { mergeSchemas } from "./merge-schemas.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });

/** Null where the schema is refused. */
function say(schema: SchemaObject, seed: number): string | null {
  try {
    return sampleGrammar(compileWhole(schema), createSeededRandom(seed));
  } catch (thrown) {
    if (thrown instanceof UnsupportedSchemaError) return null;
    throw thrown;
  }
}

const value = fc.constantFrom<unknown>(
  true,
  false,
  {},
  { type: "string" },
  { type: "integer" },
  { type: "number" },
  { enum: ["a", 1] },
);
const part = fc.record(
  {
    type: fc.constantFrom("object", ["object", "null"]),
    properties: fc.dictionary(fc.constantFrom("a", "b", "c"), value, { noNullPrototype: true }),
    required: fc.uniqueArray(fc.constantFrom("a", "b", "c")),
    additionalProperties: value,
  },
  { noNullPrototype: true, requiredKeys: [] },
);
const list = fc.record(
  {
    type: fc.constant("array"),
    prefixItems: fc.array(value, { minLength: 1, maxLength: 2 }),
    items: value,
    minItems: fc.nat(2),
    maxItems: fc.integer({ min: 1, max: 3 }),
  },
  { noNullPrototype: true, requiredKeys: ["type"] },
);
const scalar = fc.record(
  {
    type: fc.constantFrom("integer", "number", "string", ["integer", "string"]),
    enum: fc.uniqueArray(fc.constantFrom<unknown>(1, 2, "a", "b"), { minLength: 1 }),
    const: fc.constantFrom<unknown>(1, "a"),
    minimum: fc.nat(3),
    maximum: fc.integer({ min: 2, max: 5 }),
    exclusiveMinimum: fc.nat(2),
    exclusiveMaximum: fc.integer({ min: 3, max: 6 }),
    minLength: fc.nat(2),
    maxLength: fc.integer({ min: 1, max: 3 }),
  },
  { noNullPrototype: true, requiredKeys: [] },
);

test("every text of the grammar of merged schemas conforms to each of them", () => {
  const schemas = fc.oneof(
    fc.tuple(part, part),
    fc.tuple(list, list),
    fc.tuple(scalar, scalar),
    fc.tuple(part, part, part),
  );
  let said = 0;
  fc.assert(
    fc.property(schemas, fc.nat(), (parts, seed) => {
      const text = say({ allOf: parts }, seed);
      if (text === null) return;
      said += 1;
      for (const schema of parts) expect(ajv.validate(schema, JSON.parse(text)), text).toBe(true);
    }),
    { numRuns: 600 },
  );
  expect(said).toBeGreaterThan(50);
});

const closed = { type: "object", properties: { a: { type: "integer" } }, additionalProperties: false };

test.each<[string, readonly SchemaObject[], string | null]>([
  [
    "whole numbers among numbers",
    [
      { type: "number", minimum: 1 },
      { type: "integer", maximum: 1 },
    ],
    "1",
  ],
  ["a member that the other one forbids", [closed, { properties: { b: {} }, required: ["b"] }], null],
  [
    "a member that the other one knows",
    [{ ...closed, required: ["a"] }, { properties: { a: { minimum: 7, maximum: 7 } } }],
    '{"a":7}',
  ],
])("%s", (_name, allOf, text) => {
  expect(say({ allOf }, 1)?.replaceAll(" ", "") ?? null).toBe(text);
});

test.each([
  ["minimum", 3],
  ["exclusiveMinimum", 3],
  ["minLength", 3],
  ["minItems", 3],
  ["maximum", 2],
  ["exclusiveMaximum", 2],
  ["maxLength", 2],
  ["maxItems", 2],
])("of two values of %s the narrower one holds, whichever schema says it", (keyword, narrower) => {
  const options = { path: "", onConflict: (name: string) => expect.unreachable(name) };
  expect(mergeSchemas({ [keyword]: 2 }, { [keyword]: 3 }, options)).toEqual({ [keyword]: narrower });
  expect(mergeSchemas({ [keyword]: 3 }, { [keyword]: 2 }, options)).toEqual({ [keyword]: narrower });
});

test("two values of a keyword that can't become one are reported, and the first one stays", () => {
  const conflicts: string[] = [];
  const onConflict = (keyword: string, path: string) => void conflicts.push(`${path} ${keyword}`);
  const merged = mergeSchemas({ pattern: "a" }, { pattern: "b", format: "date" }, { path: "#/allOf", onConflict });
  expect(merged).toEqual({ pattern: "a", format: "date" });
  expect(conflicts).toEqual(["#/allOf pattern"]);
});
