/** Small but costly schemas: each is refused quickly, or compiled quickly. */

import { expect, test } from "vitest";
import { compileWhole } from "./testing/compile-whole.ts";
import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import { measureWays } from "./grammar-ways.ts";
import { createGbnfMatcher } from "../llama/testing/gbnf-matcher.ts";
import { printGrammar } from "./print-grammar.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

const compile = (schema: SchemaObject): Grammar => compileWhole(schema);

const times = <Item>(count: number, make: (index: number) => Item) =>
  Array.from({ length: count }, (_, at) => make(at));

/** Each definition refers to the next one as `make` does; the last one is a string. */
function chain(count: number, make: (next: SchemaObject) => SchemaObject): SchemaObject {
  const link = (index: number): [string, SchemaObject] => [
    `d${index}`,
    index === count ? { type: "string" } : make({ $ref: `#/$defs/d${index + 1}` }),
  ];
  return { $ref: "#/$defs/d0", $defs: Object.fromEntries(times(count + 1, link)) };
}

function strings(members: readonly string[], bounds: SchemaObject): SchemaObject {
  const properties = Object.fromEntries(members.map((name) => [name, { type: "string", ...bounds }]));
  return { type: "object", properties };
}

function names(count: number, start = "p"): string[] {
  return times(count, (index) => `${start}${index}`);
}

function nestedLists(depth: number, minItems: number): SchemaObject {
  return depth === 0 ? { type: "string" } : { type: "array", minItems, items: nestedLists(depth - 1, minItems) };
}

const lookAheads = (letters: string) => Array.from(letters, (letter) => `(?=.*${letter})`).join("");

const likeLists: SchemaObject = {
  anyOf: [
    { type: "array", items: { $ref: "#" } },
    { type: "array", items: { $ref: "#" }, maxItems: 7 },
    { type: "null" },
  ],
};

const node: SchemaObject = {
  type: "object",
  properties: { left: { $ref: "#/$defs/node" }, right: { $ref: "#/$defs/node" } },
  required: ["left", "right"],
};

test.each<[string, SchemaObject, string]>([
  [
    "references that double at each step",
    chain(60, (next) => ({ type: "string", anyOf: [next, next] })),
    "more than 2500 schemas",
  ],
  ["a union of very many schemas", { anyOf: times(200_000, () => ({})) }, "steps of work"],
  [
    "very many schemas",
    { type: "object", properties: Object.fromEntries(names(2500).map((name) => [name, {}])) },
    "2500",
  ],
  ["references that lead very far", chain(1000, (next) => ({ anyOf: [next, { type: "null" }] })), "deeper than 400"],
  ["a list of very many parts", { allOf: times(101, () => ({ type: "string" })) }, "more than 100 parts"],
  ["a tuple of very many items", { type: "array", prefixItems: times(201, () => ({})) }, "more than 200 items"],
  ["alternatives that are recursive", { $defs: { node }, oneOf: times(2, () => ({ $ref: "#/$defs/node" })) }, "anyOf"],
  [
    "alternatives beyond comparison",
    { oneOf: times(2000, (index) => ({ type: "string", enum: [`v${index}`] })) },
    "too many schemas to make sure",
  ],
  ["lists that must be long within each other", nestedLists(2, 1999), "more than 8192 characters"],
  [
    "references that double what must be there",
    chain(24, (next) => ({ type: "object", properties: { a: next, b: next }, required: ["a", "b"] })),
    "more than 8192 characters",
  ],
  ["a text that must be long", { type: "string", minLength: 9000 }, "more than 8192 characters"],
  ["a constant that is long", { const: "x".repeat(9000) }, "more than 8192 characters"],
  ["members that must be there", { ...strings(names(1000), {}), required: names(1000) }, "more than 8192 characters"],
  ["more values than an enumeration may have", { enum: times(1001, (index) => index) }, "more than 1000 values"],
  ["values that are long together", { enum: times(900, (index) => "a".repeat(index)) }, "steps of work"],
  ["a pattern that repeats what may be nothing", { type: "string", pattern: "^(a?b?c?){300}$" }, "steps of work"],
  ["a pattern that remembers what it has read", { type: "string", pattern: "(a|b)*a(a|b){12}$" }, "steps of work"],
  ["repetitions in each other", { type: "string", pattern: "^(?:a{0,1500}b){0,1500}$" }, "more than 20000 parts"],
  ["a pattern of many looks ahead", { type: "string", pattern: lookAheads("abcdefghijkl") }, "steps of work"],
  ["a pattern of many places", { type: "string", pattern: "^[a-z]+$", maxLength: 10_000 }, "more than 4000 states"],
  ["a pattern that is long", { type: "string", pattern: "a".repeat(4001) }, "longer than 4000 characters"],
  ["alternatives that double at each step", chain(14, (next) => ({ anyOf: [next, next] })), "more than 256 ways"],
  ["alternatives that are alike and recursive", likeLists, "more than 256 ways"],
  [
    "alternatives within alternatives",
    chain(14, (next) => ({ anyOf: [next, { anyOf: [next, { type: "null" }] }] })),
    "more than 200000 steps to be read",
  ],
  ["values that begin differently", { enum: times(300, (at) => `${String.fromCodePoint(0x4e00 + at)}x`) }, "256 ways"],
  [
    "numbers between long bounds",
    {
      type: "object",
      properties: Object.fromEntries(
        names(300).map((name) => [name, { type: "number", minimum: -123_456_789_012, maximum: 987_654_321_098 }]),
      ),
    },
    "steps of work",
  ],
  ["many members in each of many parts", { allOf: times(100, (at) => strings(names(200, `p${at}_`), {})) }, "steps of"],
])("%s: refused by name", (_name, schema, said) => {
  expect(() => compile(schema)).toThrow(UnsupportedSchemaError);
  expect(() => compile(schema)).toThrow(said);
});

test("a repetition of what may be nothing is read in one way", () => {
  for (const pattern of ["^(a?){500}$", "^((a?)*)*$", "^(a|a?)+$", "^(?:(a*)?){90}b$", "(a|b|ab)*"]) {
    const grammar = compile({ type: "string", pattern });
    expect(measureWays(grammar, 100), pattern).toBeLessThan(5);
    expect(openGrammar(grammar).advance('"aaaaaa')?.ways, pattern).toBeLessThan(5);
  }
});

test("lengths of any size are counted exactly, and in few ways", async () => {
  for (const [min, max] of [
    [0, 33],
    [0, 63],
    [0, 64],
    [5, 1100],
    [100, 32_768],
    [7, 1_000_000],
  ] as const) {
    const grammar = compile({ type: "string", minLength: min, maxLength: max });
    const gbnf = printGrammar(grammar);
    expect(gbnf.length).toBeLessThan(1000);
    const matches = await createGbnfMatcher(gbnf);
    for (const length of new Set([min - 1, min, min + 1, 31, 32, 33, 65, 1023, 1024, 1025, 5000, max, max + 1])) {
      if (length < 0 || length > 40_000) continue;
      const isWithin = length >= min && length <= max;
      expect(matches(`"${"a".repeat(length)}"`), `${length} in ${min} to ${max}`).toBe(isWithin);
    }
  }
});

test("many members that may be left out are taken in any order", () => {
  const grammar = compile({ ...strings(names(200), {}), required: ["p150"], additionalProperties: false });
  expect(measureWays(grammar, 100)).toBeLessThan(20);
  const fits = (text: string) => openGrammar(grammar).advance(text)?.shortestLength === 0;
  expect(fits('{"p150":"","p9":"","p1":"","p199":""}')).toBe(true);
  expect(fits('{"p9":""}')).toBe(false);
  expect(fits('{"p150":"","p200":""}')).toBe(false);
});

test("definitions that refer to each other in long cycles are compiled", () => {
  const definitions = names(60, "d");
  const define = (_name: string, index: number) => ({
    type: "object",
    properties: Object.fromEntries(times(8, (at) => [`p${at}`, { $ref: `#/$defs/d${(index * 7 + at * 13) % 60}` }])),
  });
  const $defs = Object.fromEntries(definitions.map((name, index) => [name, define(name, index)]));
  const grammar = compile({ $ref: "#/$defs/d0", $defs });
  expect(openGrammar(grammar).advance('{"p0":{"p1":{}}}')?.shortestLength).toBe(0);
});

test("beside a member of a very long name others are allowed, but for those that begin like it", () => {
  const name = "x".repeat(20_000);
  const grammar = compile({ type: "object", properties: { [name]: { type: "null" } }, additionalProperties: true });
  const fits = (text: string) => openGrammar(grammar).advance(text)?.shortestLength === 0;
  expect(fits(`{"${name}":null}`)).toBe(true);
  expect(fits('{"xxy":1}')).toBe(true);
  expect(fits(`{"${"x".repeat(100)}":1}`)).toBe(false);
});

test("the largest schemas can be printed, spoken and ended", () => {
  const deep = chain(130, (next) => ({ type: "object", properties: { next }, required: ["next"] }));
  const wide = strings(
    times(1600, (index) => `p${index}`),
    {},
  );
  const tuple = { type: "array", prefixItems: times(200, () => ({ type: "null" })), minItems: 200 };
  for (const schema of [deep, wide, tuple]) {
    const grammar = compile(schema);
    expect(printGrammar(grammar)).toMatch(/^root ::= /);
    expect(() => JSON.parse(sampleGrammar(grammar, createSeededRandom(1)))).not.toThrow();
    expect(() => JSON.parse(openGrammar(grammar).end())).not.toThrow();
  }
});

test("what says nothing, and what is an author's own, stands in no part's way", () => {
  const grammar = compile({
    allOf: [
      { type: "integer", maximum: null, "x-order": 1 },
      { minimum: 3, maximum: 5, "x-order": 2 },
    ],
  });
  expect(openGrammar(grammar).advance("4")?.shortestLength).toBe(0);
  expect(openGrammar(grammar).advance("6")).toBeNull();
});
