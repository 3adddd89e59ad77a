/** Small schemas that ask for much: each is refused soon, or compiled soon. */

import { expect, test } from "vitest";
import { createGrammarBuilder } from "./grammar-builder.ts";
import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import { printGrammar } from "./print-grammar.ts";
import { createSeededRandom, sampleGrammar } from "./sample-grammar.ts";
import type { SchemaObject } from "./schema-view.ts";
import { UnsupportedSchemaError } from "./unsupported-schema-error.ts";

function compile(schema: SchemaObject): Grammar {
  const builder = createGrammarBuilder();
  return builder.build(builder.jsonSchema(schema));
}

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

function strings(names: readonly string[], bounds: SchemaObject): SchemaObject {
  return { type: "object", properties: Object.fromEntries(names.map((name) => [name, { type: "string", ...bounds }])) };
}

const node: SchemaObject = {
  type: "object",
  properties: { left: { $ref: "#/$defs/node" }, right: { $ref: "#/$defs/node" } },
  required: ["left", "right"],
};

test.each<[string, SchemaObject, string]>([
  [
    "references that double at each step",
    chain(60, (next) => ({ type: "string", anyOf: [next, next] })),
    "more than 5000 schemas",
  ],
  ["a union of very many schemas", { anyOf: times(200_000, () => ({})) }, "more than 5000 schemas"],
  ["references that lead very far", chain(1000, (next) => ({ anyOf: [next, { type: "null" }] })), "deeper than 400"],
  ["a list of very many parts", { allOf: times(101, () => ({ type: "string" })) }, "more than 100 parts"],
  ["a tuple of very many items", { type: "array", prefixItems: times(201, () => ({})) }, "more than 200 items"],
  ["alternatives that are recursive", { $defs: { node }, oneOf: times(2, () => ({ $ref: "#/$defs/node" })) }, "anyOf"],
  [
    "alternatives beyond comparison",
    { oneOf: times(2000, (index) => ({ type: "string", enum: [`v${index}`] })) },
    "too many schemas to tell them apart",
  ],
  [
    "lengths that are large together",
    strings(
      times(60, (index) => `p${index}`),
      { maxLength: 1999 },
    ),
    "add up to more than 100000",
  ],
  ["a keyword that every object has", JSON.parse('{"items":{"__proto__":{}}}'), "'__proto__' can't be enforced"],
])("%s: refused by name", (_name, schema, said) => {
  expect(() => compile(schema)).toThrow(UnsupportedSchemaError);
  expect(() => compile(schema)).toThrow(said);
});

test("definitions that refer to each other in long cycles are compiled", () => {
  const names = times(60, (index) => `d${index}`);
  const define = (_name: string, index: number) => ({
    type: "object",
    properties: Object.fromEntries(times(8, (at) => [`p${at}`, { $ref: `#/$defs/d${(index * 7 + at * 13) % 60}` }])),
  });
  const $defs = Object.fromEntries(names.map((name, index) => [name, define(name, index)]));
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
