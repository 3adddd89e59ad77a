/** Compiled schemas, validated with ajv and with llama.cpp's own matcher. */

import { Ajv2020 } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createGbnfMatcher } from "../llama/testing/gbnf-matcher.ts";
import { compileWhole } from "./testing/compile-whole.ts";
import type { Grammar } from "./grammar-node.ts";
import { printGrammar } from "./print-grammar.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";
import { SAMPLE_SCHEMAS } from "./testing/schemas.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

const ajv = new Ajv2020({ strict: false, allowUnionTypes: true });
addFormats.default(ajv);

const compile = (schema: SchemaObject): Grammar => compileWhole(schema);

const createMatcher = (grammar: Grammar) => createGbnfMatcher(printGrammar(grammar));

test.each(SAMPLE_SCHEMAS)(
  "the grammar of $name accepts what conforms and nothing else",
  async ({ schema, accepted, refused }) => {
    const validate = ajv.compile(schema);
    const matches = await createMatcher(compile(schema));
    for (const value of accepted) {
      expect(validate(value), JSON.stringify(value)).toBe(true);
      expect(matches(JSON.stringify(value)), JSON.stringify(value)).toBe(true);
    }
    for (const value of refused) {
      expect(validate(value), JSON.stringify(value)).toBe(false);
      expect(matches(JSON.stringify(value)), JSON.stringify(value)).toBe(false);
    }
  },
);

test.each(SAMPLE_SCHEMAS)("every text of the grammar of $name is valid", async ({ schema }) => {
  const grammar = compile(schema);
  const validate = ajv.compile(schema);
  const matches = await createMatcher(grammar);
  for (let seed = 0; seed < 40; seed += 1) {
    const text = sampleGrammar(grammar, createSeededRandom(seed));
    expect(validate(JSON.parse(text)), `${text} ${ajv.errorsText(validate.errors)}`).toBe(true);
    expect(matches(text), text).toBe(true);
  }
});

test("there are fifty schemas at least", () => {
  expect(SAMPLE_SCHEMAS.length).toBeGreaterThanOrEqual(50);
});

const leaf = fc.oneof(
  fc.constantFrom<SchemaObject>(
    { type: "null" },
    { type: "boolean" },
    { type: "number" },
    { type: "integer" },
    { type: "string" },
  ),
  fc.record({ type: fc.constant("integer"), minimum: fc.integer({ max: 0 }), maximum: fc.integer({ min: 0 }) }),
  fc.record({
    type: fc.constant("number"),
    exclusiveMinimum: fc.integer({ min: -5000, max: 0 }),
    maximum: fc.integer({ min: 1, max: 5000 }),
  }),
  fc.record({ type: fc.constant("string"), minLength: fc.nat(3), maxLength: fc.integer({ min: 3, max: 9 }) }),
  fc.record({
    enum: fc.uniqueArray(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1, maxLength: 4 }),
  }),
  // ajv calls the `toString` and `valueOf` of the values that it compares.
  fc.record({ const: fc.jsonValue().filter((value) => !/"(?:toString|valueOf)":/.test(JSON.stringify(value))) }),
);

const { schema: schemas } = fc.letrec<{ schema: SchemaObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: "small", withCrossShrink: true },
    leaf,
    fc.record({ anyOf: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }) }),
    fc.record({
      type: fc.constant("array"),
      items: tie("schema"),
      minItems: fc.nat(2),
      maxItems: fc.integer({ min: 2, max: 5 }),
    }),
    fc.record({
      type: fc.constant("array"),
      prefixItems: fc.array(tie("schema"), { minLength: 1, maxLength: 3 }),
      items: tie("schema"),
    }),
    fc
      .tuple(
        fc.dictionary(
          fc.string({ maxLength: 4 }).filter((name) => name !== "__proto__"),
          tie("schema"),
          { maxKeys: 4, noNullPrototype: true },
        ),
        fc.boolean(),
        fc.option(tie("schema"), { nil: false }),
      )
      .map(([properties, allRequired, additionalProperties]) => ({
        type: "object",
        properties,
        required: Object.keys(properties).filter((_, index) => allRequired || index % 2 === 0),
        additionalProperties,
      })),
  ),
}));

test("a constant may have a member of any name", async () => {
  for (const name of ["toString", "valueOf", "constructor", "hasOwnProperty"]) {
    const grammar = compile({ const: { [name]: [1] } });
    const text = sampleGrammar(grammar, createSeededRandom(0));
    expect(JSON.parse(text)).toEqual({ [name]: [1] });
    expect((await createMatcher(grammar))(text)).toBe(true);
  }
});

test("every text of the grammar of a schema is valid, for schemas of any shape", () => {
  fc.assert(
    fc.property(schemas, fc.nat(), (schema, seed) => {
      const text = sampleGrammar(compile(schema), createSeededRandom(seed));
      const validate = ajv.compile(schema);
      expect(validate(JSON.parse(text)), `${text} ${ajv.errorsText(validate.errors)}`).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("llama.cpp parses the grammar of any schema, and accepts its texts", async () => {
  await fc.assert(
    fc.asyncProperty(schemas, fc.nat(), async (schema, seed) => {
      const grammar = compile(schema);
      expect((await createMatcher(grammar))(sampleGrammar(grammar, createSeededRandom(seed)))).toBe(true);
    }),
    { numRuns: 60 },
  );
});

test("the bounds of numbers are exact", async () => {
  for (const [minimum, maximum] of [
    [0, 0],
    [7, 13],
    [99, 101],
    [-101, -99],
    [-3, 12],
    [950, 12_034],
  ] as const) {
    const [integers, numbers] = [
      await createMatcher(compile({ type: "integer", minimum, maximum })),
      await createMatcher(compile({ type: "number", minimum, maximum })),
    ];
    for (
      let value = minimum - 15;
      value <= maximum + 15;
      value += value > minimum + 20 && value < maximum - 20 ? 97 : 1
    ) {
      expect(integers(String(value)), `${value} in ${minimum}..${maximum}`).toBe(value >= minimum && value <= maximum);
      const half = value + 0.5;
      expect(numbers(String(half)), `${half} in ${minimum}..${maximum}`).toBe(half >= minimum && half <= maximum);
    }
  }
});

test.each<[string, SchemaObject, string]>([
  ["characters", { type: "string", maxLength: 1999 }, '"ab"'],
  ["characters that must be there", { type: "string", minLength: 1999 }, `"${"a".repeat(1999)}"`],
  ["items", { type: "array", items: { type: "string", maxLength: 1999 }, maxItems: 1999 }, '["a", "b"]'],
  [
    "items that must be there",
    { type: "array", items: { maxLength: 9 }, minItems: 1500 },
    `["a"${',"b"'.repeat(1499)}]`,
  ],
  ["repetitions in a pattern", { type: "string", pattern: "^(?:a{0,50}b){0,9}$" }, '"aabab"'],
  [
    "members with many characters",
    { type: "object", properties: { a: { type: "string", maxLength: 1999 }, b: { type: "string", maxLength: 1999 } } },
    '{"b":"x"}',
  ],
])("llama.cpp takes as many %s as are not refused", async (_name, schema, text) => {
  expect((await createMatcher(compile(schema)))(text)).toBe(true);
});

test.each<[string, SchemaObject, string]>([
  ["a value that must not be", { not: { type: "string" } }, "'not' can't be enforced"],
  ["different items", { type: "array", items: {}, uniqueItems: true }, "'uniqueItems' can't be enforced"],
  ["a multiple of many digits", { type: "number", multipleOf: 0.123_456_7 }, "'multipleOf' can't be enforced"],
  ["bounds without a multiple", { type: "integer", multipleOf: 7, minimum: 1, maximum: 6 }, "no multiple"],
  ["a number of members", { type: "object", minProperties: 2 }, "'minProperties' can't be enforced above 1"],
  ["a condition", { if: {}, else: {} }, "'if' can't be enforced"],
  ["members by a pattern that is none", { type: "object", patternProperties: { "(": {} } }, "not a regular expression"],
  ["a look ahead in a repetition", { type: "string", pattern: "^(?:(?=a)b)*" }, "it looks ahead in a repetition"],
  ["a look behind", { type: "string", pattern: "(?<=a)b" }, "it looks behind"],
  ["a back reference", { type: "string", pattern: "(a|b)\\1" }, "it refers to what a group has matched"],
  ["a word boundary", { type: "string", pattern: "\\bword" }, "it asks for the boundary of a word"],
  ["a pattern that is none", { type: "string", pattern: "(" }, "it is not a regular expression"],
  ["a pattern that nothing matches", { type: "string", pattern: "^(?=a)b" }, "no string conforms to it"],
  [
    "a pattern that is too long for its limit",
    { type: "string", pattern: "^aaa$", maxLength: 2 },
    "no string conforms",
  ],
  ["a union that may hold twice", { oneOf: [{ type: "string" }, { enum: ["a"] }] }, "'oneOf' can't be enforced"],
  ["bounds without a whole number between them", { type: "number", minimum: 0.1, maximum: 0.9 }, "no whole number"],
  ["bounds in the wrong order", { type: "integer", minimum: 2, maximum: 1 }, "no whole number"],
  ["lengths in the wrong order", { type: "string", minLength: 2, maxLength: 1 }, "no string"],
  ["an empty enumeration", { enum: [] }, "no value of its list is of its type"],
  ["an enumeration of another type", { type: "integer", enum: ["a"] }, "no value of its list is of its type"],
  ["a schema that nothing fits", { type: "array", items: false, minItems: 1 }, "no array"],
  ["a reference to nowhere", { $ref: "#/$defs/none" }, "it leads nowhere"],
  ["a reference to elsewhere", { $ref: "https://example.org/schema" }, "only those within the schema"],
  ["a reference to itself", { $ref: "#" }, "without an end"],
  ["a member that never ends", { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] }, "without an end"],
  ["a union of itself", { anyOf: [{ $ref: "#" }, { type: "null" }] }, "nothing but a reference to itself"],
  ["an unknown type", { type: "text" }, `there is no type "text"`],
  ["a type that is none", { type: 5 }, "there is no type 5"],
  ["a list of members that is none", { type: "object", properties: [] }, "'properties' has to be an object"],
  [
    "a member that is required and not allowed",
    { type: "object", required: ["a"], additionalProperties: false },
    "'a' is required",
  ],
  [
    "parts that can't hold together",
    { allOf: [{ type: "string", pattern: "a" }, { pattern: "b" }] },
    "two values of 'pattern'",
  ],
])("%s is refused by name", (_name, schema, said) => {
  expect(() => compile(schema)).toThrow(UnsupportedSchemaError);
  expect(() => compile(schema)).toThrow(said);
});

test("what is refused is found by its path", () => {
  const schema = { type: "object", properties: { "a/b": { type: "array", items: { not: {} } } } };
  expect(() => compile(schema)).toThrow(expect.objectContaining({ path: "/properties/a~1b/items" }));
});

test("a schema that is nested too deep, or too large, is refused", () => {
  let deep: SchemaObject = { type: "string" };
  for (let depth = 0; depth < 100; depth += 1) deep = { type: "array", items: deep };
  expect(() => compile(deep)).toThrow("nested deeper than");
  const names = Array.from({ length: 2500 }, (_, index) => [`p${index}`, { type: "string" }]);
  expect(() => compile({ type: "object", properties: Object.fromEntries(names) })).toThrow("more than 2500 schemas");
});
