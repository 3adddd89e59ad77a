/** Schemas that are hints: every one is compiled to a grammar, which is never narrower than the schema. */

import { Ajv2020 } from "ajv/dist/2020.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { createGbnfMatcher } from "../llama/testing/gbnf-matcher.ts";
import { FREE_TEXT } from "@openai-compat/core";
import { compileSchema } from "./compiled-schema.ts";
import { openGrammar } from "./grammar-position.ts";
import { compileOutput } from "./output-schemas.ts";
import { printGrammar } from "./print-grammar.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";
import { SAMPLE_SCHEMAS } from "./testing/schemas.ts";

const ajv = new Ajv2020({ strict: false, allowUnionTypes: true, validateFormats: false, logger: false });

/** Compiles as for a request, on the first level that is within the bounds. */
async function hint(schema: SchemaObject) {
  const format = { type: "json-schema", schema, isStrict: false } as const;
  const { format: compiled, relaxed } = await compileOutput({ ...FREE_TEXT, format });
  if (compiled === null) throw new Error("The schema was left out.");
  return { compiled, relaxed: relaxed.map(({ pointer, keyword }) => `${pointer}/${keyword}`) };
}

const takes = (grammar: Parameters<typeof openGrammar>[0], value: unknown) =>
  openGrammar(grammar).advance(JSON.stringify(value))?.shortestLength === 0;

test.each<[string, SchemaObject, readonly string[], readonly unknown[]]>([
  ["a value that must not be", { type: "string", not: { const: "a" } }, ["/not"], ["a", "b"]],
  [
    "a condition",
    { type: "object", properties: { a: {} }, if: {}, else: { required: ["b"] } },
    ["/if", "/else"],
    [{ b: 1 }],
  ],
  [
    "items that are all different",
    { type: "array", items: { type: "string" }, uniqueItems: true },
    ["/uniqueItems"],
    [["a"]],
  ],
  ["a pattern that can't be enforced", { type: "string", pattern: "(a)\\1" }, ["/pattern"], ["aa"]],
  ["a pattern that is none", { type: "string", pattern: "(" }, ["/pattern"], ["("]],
  [
    "a pattern that is too large",
    { type: "string", pattern: "^((a?){30}b?){90}$", maxLength: 9 },
    ["/maxLength", "/pattern"],
    ["a"],
  ],
  ["a length beyond the pattern's", { type: "string", pattern: "^a*$", maxLength: 90_000 }, ["/maxLength"], ["aaa"]],
  ["alternatives that overlap", { oneOf: [{ type: "string" }, { enum: ["a", 1] }] }, ["/oneOf"], ["b", 1]],
  ["a multiple of many digits", { type: "number", multipleOf: 0.123_456_7 }, ["/multipleOf"], [1]],
  ["a format that is wide", { type: "string", format: "uri" }, [], ["file:///etc", "mailto:a@b", "http://a.b/?q=%20"]],
  [
    "a reference to nowhere",
    { type: "object", properties: { a: { $ref: "#/nowhere" } } },
    ["/properties/a/*"],
    [{ a: 1 }],
  ],
  ["a reference to elsewhere", { type: "array", items: { $ref: "https://x.y/z" } }, ["/items/*"], [[1]]],
  ["an unknown type", { type: "object", properties: { a: { type: "any" } } }, ["/properties/a/*"], [{ a: [] }]],
  ["a schema that is none", { type: "object", properties: { a: "text" } }, ["/properties/a/*"], [{ a: 1 }]],
  ["members that are none", { type: "object", properties: [1] }, ["/properties"], [{ a: 1 }]],
  [
    "a requirement of the first draft",
    { type: "object", properties: { a: { type: "object", required: true } } },
    ["/properties/a/required"],
    [{ a: {} }],
  ],
  ["lengths in the wrong order", { type: "array", items: {}, minItems: 3, maxItems: 1 }, ["/*"], [[], [1]]],
  ["values of another type", { type: "integer", enum: ["a"] }, ["/*"], [1]],
  ["parts that contradict", { allOf: [{ type: "string", pattern: "a" }, { pattern: "b" }] }, ["/pattern"], ["ab"]],
  [
    "names of which some can't be told apart",
    {
      type: "object",
      patternProperties: { "(a)\\1": {}, "(b)\\1": {}, "^c$": { type: "string" } },
      additionalProperties: false,
    },
    ["/patternProperties"],
    [{ aa: 1 }, { bb: 1 }, { c: "c" }],
  ],
  ["a type that is named very often", { type: Array.from({ length: 2000 }, () => "string") }, [], ["a"]],
  ["a text that must be long", { type: "string", minLength: 100_000 }, ["/minLength"], [""]],
  [
    "a schema that asks for itself",
    { type: "object", properties: { a: { $ref: "#" } }, required: ["a"] },
    ["/*"],
    [{ b: 1 }],
  ],
])("%s is left out, and reported", async (_name, schema, left, accepted) => {
  const { compiled, relaxed } = await hint(schema);
  if (left[0] === "/*") expect(relaxed).toContain("/*");
  else expect(relaxed).toEqual(left);
  const matches = await createGbnfMatcher(printGrammar(compiled));
  for (const value of accepted) expect(matches(JSON.stringify(value)), JSON.stringify(value)).toBe(true);
});

test.each(SAMPLE_SCHEMAS)(
  "$name is enforced as a hint too, and nothing of it is left out",
  async ({ schema, accepted, refused }) => {
    const { compiled, relaxed } = await hint(schema);
    // With many places, the grammar of a wide format can't be counted through.
    expect(relaxed.filter((left) => left !== "/properties/url/maxLength")).toEqual([]);
    for (const value of accepted) expect(takes(compiled, value), JSON.stringify(value)).toBe(true);
    const validate = ajv.compile(schema);
    for (const value of refused) {
      // Formats are wide in a hint.
      if (!validate(value)) expect(takes(compiled, value), JSON.stringify(value)).toBe(false);
    }
  },
);

const KEYWORDS =
  "type properties required items prefixItems enum const anyOf oneOf allOf not if then minLength maxLength pattern format minimum " +
  "maximum multipleOf minItems maxItems uniqueItems additionalProperties patternProperties propertyNames minProperties " +
  "maxProperties $ref nullable x dependentRequired contains unevaluatedProperties exclusiveMinimum $defs default";
const keyword = fc.constantFrom(...KEYWORDS.split(" "));
const { nonsense } = fc.letrec<{ nonsense: unknown; schema: unknown }>((tie) => ({
  nonsense: fc.oneof(
    { depthSize: "small" },
    fc.constantFrom<unknown>(
      "object",
      "array",
      "string",
      "integer",
      "#",
      "#/properties/a",
      "^a+$",
      "(",
      "date",
      "",
      null,
      true,
      false,
    ),
    fc.constantFrom<unknown>(0, 1, 2, 5, -1, 0.5, 1e9, ["object", "null"], ["string"], ["a"], [1, "a"], [], {}),
    fc.array(tie("nonsense"), { maxLength: 3 }),
    tie("schema"),
  ),
  schema: fc.dictionary(fc.oneof(keyword, fc.constantFrom("a", "b")), tie("nonsense"), {
    maxKeys: 5,
    noNullPrototype: true,
  }),
}));

test("no hint is refused, and every text of its grammar is JSON", async () => {
  await fc.assert(
    fc.asyncProperty(fc.dictionary(keyword, nonsense, { noNullPrototype: true }), fc.nat(), async (schema, seed) => {
      const { compiled } = await hint(schema);
      expect(() => JSON.parse(sampleGrammar(compiled, createSeededRandom(seed)))).not.toThrow();
    }),
    { numRuns: 300 },
  );
});

const plain = fc.constantFrom<SchemaObject>(
  { type: "string" },
  { type: "string", maxLength: 3 },
  { type: "string", pattern: "^a" },
  { type: "integer", minimum: 0 },
  { type: "number", multipleOf: 0.5 },
  { type: "boolean" },
  { enum: ["a", 1, null] },
  { not: { type: "string" } },
  { type: "array", items: { type: "integer" }, uniqueItems: true },
  { type: ["string", "null"], minLength: 1 },
  { oneOf: [{ type: "integer" }, { type: "number", minimum: 3 }] },
  {},
);
const instance = fc.constantFrom<unknown>("a", "abcd", "", 0, 1, 2.5, -1, true, null, [], [1, 2], [1, 1], {});
const objects = fc.record(
  {
    type: fc.constant("object"),
    properties: fc.dictionary(fc.constantFrom("a", "b", "c"), plain, { minKeys: 1, noNullPrototype: true }),
    required: fc.uniqueArray(fc.constantFrom("a", "b")),
    additionalProperties: fc.constantFrom<unknown>(true, { type: "integer" }),
    allOf: fc.array(
      fc.record({ properties: fc.dictionary(fc.constantFrom("a", "d"), plain, { noNullPrototype: true }) }),
      { minLength: 1, maxLength: 2 },
    ),
    anyOf: fc.array(fc.record({ required: fc.constantFrom(["a"], ["c"], []) }), { minLength: 1, maxLength: 2 }),
    dependentRequired: fc.constant({ a: ["b"] }),
    maxProperties: fc.nat(3),
  },
  { requiredKeys: ["type", "properties", "additionalProperties"], noNullPrototype: true },
);

test("the grammar of a hint takes what conforms to the schema, its members in the declared order", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(
      objects,
      fc.dictionary(fc.constantFrom("a", "b", "c", "d"), instance, { noNullPrototype: true }),
      async (schema, value) => {
        if (!ajv.validate(schema, value)) return;
        const { compiled } = await hint(schema);
        const orders = listOrders(Object.entries(value));
        expect(
          orders.some((entries) => takes(compiled, Object.fromEntries(entries))),
          JSON.stringify(value),
        ).toBe(true);
        taken += 1;
      },
    ),
    { numRuns: 1000 },
  );
  expect(taken).toBeGreaterThan(10);
});

function listOrders<Item>(items: readonly Item[]): readonly (readonly Item[])[] {
  if (items.length <= 1) return [items];
  return items.flatMap((item, index) => listOrders(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

test("a strict schema is compiled whole or not at all", () => {
  expect(() => compileSchema({ type: "string", not: {} }, { isStrict: true })).toThrow("'not' can't be enforced");
});
