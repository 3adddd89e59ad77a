/** Typical schemas: written by hand, by zod, by pydantic, for tools and for extraction. */

import { SCALAR_SCHEMAS } from "./scalar-schemas.ts";
import { flag, listOf, nothing, nullable, number, object, strict, text, whole } from "./schema-builders.ts";
import type { SampleSchema } from "./schema-builders.ts";

const cat = strict({ kind: { const: "cat" }, lives: { type: "integer", minimum: 0, maximum: 9 } });
const dog = strict({ kind: { const: "dog" }, tricks: listOf(text) });

/** Of objects, lists, references and alternatives. */
const STRUCTURE_SCHEMAS: readonly SampleSchema[] = [
  {
    name: "a person",
    schema: strict({ name: text, age: whole }),
    accepted: [{ name: "Ada", age: 36 }],
    refused: [{ name: "Ada" }, { name: "Ada", age: 1.5 }],
  },
  {
    name: "a flat record of every scalar",
    schema: strict({ a: text, b: whole, c: number, d: flag, e: nothing }),
    accepted: [{ a: "", b: -1, c: 2.5, d: false, e: null }],
    refused: [{ a: "", b: -1, c: 2.5, d: 0, e: null }],
  },
  {
    name: "nullable by anyOf",
    schema: strict({ note: nullable(text) }),
    accepted: [{ note: null }, { note: "x" }],
    refused: [{ note: 1 }, {}],
  },
  {
    name: "nullable by a list of types",
    schema: strict({ note: { type: ["string", "null"] } }),
    accepted: [{ note: null }, { note: "x" }],
    refused: [{ note: 1 }],
  },
  {
    name: "nullable as in OpenAPI",
    schema: strict({ note: { type: "string", nullable: true } }),
    accepted: [{ note: null }, { note: "x" }],
    refused: [{ note: false }],
  },
  {
    name: "optional members",
    schema: object({ a: text, b: number, c: flag }, { required: ["b"], additionalProperties: false }),
    accepted: [{ b: 1 }, { a: "x", b: 1 }, { b: 1, c: true }, { a: "", b: 0, c: false }],
    refused: [{}, { a: "x" }, { b: 1, d: 1 }],
  },
  {
    name: "all members optional",
    schema: object({ a: text, b: number }, { additionalProperties: false }),
    accepted: [{}, { a: "x" }, { b: 1 }, { a: "x", b: 1 }],
    refused: [{ c: 1 }],
  },
  {
    name: "nested objects",
    schema: strict({ a: strict({ b: strict({ c: strict({ d: whole }) }) }) }),
    accepted: [{ a: { b: { c: { d: 1 } } } }],
    refused: [{ a: { b: { c: {} } } }],
  },
  {
    name: "steps and an answer",
    schema: strict({ steps: listOf(strict({ explanation: text, output: text })), final_answer: text }),
    accepted: [
      { steps: [], final_answer: "4" },
      { steps: [{ explanation: "a", output: "b" }], final_answer: "" },
    ],
    refused: [{ steps: [{ explanation: "a" }], final_answer: "" }],
  },
  {
    name: "a list that refers to itself",
    schema: strict({ value: whole, next: nullable({ $ref: "#" }) }),
    accepted: [
      { value: 1, next: null },
      { value: 1, next: { value: 2, next: null } },
    ],
    refused: [{ value: 1 }, { value: 1, next: 2 }],
  },
  {
    name: "a tree by $defs",
    schema: {
      $ref: "#/$defs/node",
      $defs: { node: strict({ name: text, children: listOf({ $ref: "#/$defs/node" }) }) },
    },
    accepted: [{ name: "a", children: [{ name: "b", children: [] }] }],
    refused: [{ name: "a", children: [{}] }],
  },
  {
    name: "rules that call each other",
    schema: {
      $ref: "#/$defs/a",
      $defs: { a: strict({ b: nullable({ $ref: "#/$defs/b" }) }), b: strict({ a: { $ref: "#/$defs/a" } }) },
    },
    accepted: [{ b: null }, { b: { a: { b: null } } }],
    refused: [{ b: {} }],
  },
  {
    name: "definitions of an older draft",
    schema: object({ x: { $ref: "#/definitions/X" } }, { required: ["x"], definitions: { X: text } }),
    accepted: [{ x: "s" }],
    refused: [{ x: 1 }, {}],
  },
  {
    name: "a reference with escapes",
    schema: { type: "array", items: { $ref: "#/$defs/a~1b~0c%20d" }, $defs: { "a/b~c d": flag } },
    accepted: [[], [true, false]],
    refused: [[1]],
  },
  {
    name: "a union of scalars",
    schema: strict({ id: { anyOf: [whole, text] } }),
    accepted: [{ id: 1 }, { id: "1" }],
    refused: [{ id: null }],
  },
  {
    name: "a union told apart by a constant",
    schema: strict({ pet: { anyOf: [cat, dog] } }),
    accepted: [{ pet: { kind: "cat", lives: 9 } }, { pet: { kind: "dog", tricks: ["sit"] } }],
    refused: [{ pet: { kind: "cat", lives: 10 } }, { pet: { kind: "dog", lives: 1 } }],
  },
  {
    name: "an exclusive union",
    schema: { oneOf: [cat, dog] },
    accepted: [{ kind: "cat", lives: 0 }],
    refused: [{ kind: "cow" }],
  },
  {
    name: "a union of different types",
    schema: { oneOf: [text, listOf(text)] },
    accepted: ["a", ["a"]],
    refused: [1, [1]],
  },
  {
    name: "a union beside members",
    schema: object(
      { id: whole },
      { required: ["id"], anyOf: [object({ a: text }, { required: ["a"] }), object({ b: flag }, { required: ["b"] })] },
    ),
    accepted: [
      { id: 1, a: "" },
      { id: 1, b: true },
    ],
    refused: [{ id: 1 }, { a: "" }],
  },
  {
    name: "parts that hold together",
    schema: { allOf: [object({ a: text }, { required: ["a"] }), object({ b: number }, { required: ["b"] })] },
    accepted: [{ a: "x", b: 1 }],
    refused: [{ a: "x" }, { b: 1 }],
  },
  {
    name: "a reference with a description",
    schema: {
      ...strict({ home: { $ref: "#/$defs/place", description: "Where" } }),
      $defs: { place: strict({ city: text }) },
    },
    accepted: [{ home: { city: "Rome" } }],
    refused: [{ home: {} }],
  },
  {
    name: "a map of numbers",
    schema: { type: "object", additionalProperties: number },
    accepted: [{}, { a: 1, "b c": 2.5 }],
    refused: [{ a: "1" }],
  },
  {
    name: "members and a map",
    schema: object({ foo: text, fob: text }, { required: ["foo"], additionalProperties: whole }),
    accepted: [{ foo: "x" }, { foo: "x", bar: 1, fo: 2, foox: 3 }, { foo: "x", fob: "y", "": 4 }],
    refused: [{ foo: "x", bar: "y" }, { foo: 1 }],
  },
  { name: "any JSON", schema: {}, accepted: [null, 1, [1, { a: "b" }], { a: [true] }], refused: [] },
  { name: "any object", schema: { type: "object" }, accepted: [{}, { a: { b: [1] } }], refused: [1, []] },
  {
    name: "a list with bounds",
    schema: listOf(whole, { minItems: 2, maxItems: 3 }),
    accepted: [
      [1, 2],
      [1, 2, 3],
    ],
    refused: [[1], [1, 2, 3, 4], []],
  },
  {
    name: "a list of at most one",
    schema: listOf(text, { maxItems: 1 }),
    accepted: [[], ["x"]],
    refused: [["a", "b"]],
  },
  {
    name: "a list of exactly four",
    schema: listOf(number, { minItems: 4, maxItems: 4 }),
    accepted: [[1, 2, 3, 4]],
    refused: [[1, 2, 3]],
  },
  {
    name: "a tuple",
    schema: { type: "array", prefixItems: [text, number], items: false, minItems: 2 },
    accepted: [["a", 1]],
    refused: [["a"], [1, "a"], ["a", 1, 2]],
  },
  {
    name: "a tuple with more behind it",
    schema: { type: "array", prefixItems: [text], items: number },
    accepted: [[], ["a"], ["a", 1, 2]],
    refused: [["a", "b"], [1]],
  },
  {
    name: "lists of lists",
    schema: listOf(listOf(number, { minItems: 1 })),
    accepted: [[], [[1], [2, 3]]],
    refused: [[[]], [1]],
  },
  {
    name: "arguments without a type",
    schema: { properties: { a: text }, required: ["a"] },
    accepted: [{ a: "x" }],
    refused: [{ a: 1 }],
  },
  {
    name: "arguments of a weather tool",
    schema: {
      $schema: "https://json-schema.org/draft/2020-12/schema",
      type: "object",
      properties: {
        location: { type: "string", description: "City" },
        unit: { type: "string", enum: ["celsius", "fahrenheit"], default: "celsius" },
        days: { type: "integer", minimum: 1, maximum: 14 },
      },
      required: ["location"],
      additionalProperties: false,
    },
    accepted: [{ location: "Rome" }, { location: "Rome", unit: "celsius" }, { location: "Rome", days: 14 }],
    refused: [{ unit: "celsius" }, { location: "Rome", days: 15 }],
  },
  {
    name: "an invoice",
    schema: strict({
      number: text,
      date: { type: "string", format: "date" },
      lines: listOf(strict({ label: text, quantity: { type: "integer", minimum: 1 }, price: number }), { minItems: 1 }),
      paid: flag,
      note: nullable(text),
    }),
    accepted: [
      { number: "1", date: "2024-01-31", lines: [{ label: "a", quantity: 1, price: 2.5 }], paid: true, note: null },
    ],
    refused: [{ number: "1", date: "2024-01-31", lines: [], paid: true, note: null }],
  },
  {
    name: "a form of user interface",
    schema: {
      ...strict({
        type: { type: "string", enum: ["div", "button"] },
        label: text,
        children: listOf({ $ref: "#" }),
        attributes: listOf(strict({ name: text, value: text })),
      }),
    },
    accepted: [
      {
        type: "div",
        label: "",
        children: [{ type: "button", label: "b", children: [], attributes: [] }],
        attributes: [{ name: "a", value: "b" }],
      },
    ],
    refused: [{ type: "a", label: "", children: [], attributes: [] }],
  },
  {
    name: "tags that are all different",
    schema: listOf({ enum: ["a", "b", "c"] }, { uniqueItems: true, minItems: 1 }),
    accepted: [["a"], ["c", "a"], ["a", "b", "c"]],
    refused: [[], ["a", "a"], ["a", "b", "a"]],
  },
  {
    name: "names by a pattern",
    schema: { type: "object", patternProperties: { "^x-": text, "^n_": whole }, additionalProperties: false },
    accepted: [{}, { "x-a": "b", n_1: 2 }],
    refused: [{ "x-a": 1 }, { other: 1 }],
  },
  {
    name: "names of a list",
    schema: { type: "object", propertyNames: { enum: ["red", "blue"] }, additionalProperties: number },
    accepted: [{}, { red: 1 }, { blue: 2, red: 1 }],
    refused: [{ green: 1 }, { red: "1" }],
  },
  {
    name: "names that are short",
    schema: { type: "object", propertyNames: { type: "string", pattern: "^[a-z]{1,3}$" }, minProperties: 1 },
    accepted: [{ abc: 1 }, { a: null, b: [] }],
    refused: [{}, { abcd: 1 }],
  },
  {
    name: "alternatives whose tag has a default",
    schema: {
      oneOf: [
        object({ kind: { const: "a", default: "a" }, x: whole }, { required: ["x"] }),
        object({ kind: { const: "b", default: "b" }, y: text }, { required: ["y"] }),
      ],
      discriminator: { propertyName: "kind" },
    },
    accepted: [
      { kind: "a", x: 1 },
      { kind: "b", y: "" },
    ],
    refused: [{ kind: "a" }, { kind: "c", x: 1 }],
  },
  {
    name: "keywords that nobody knows",
    schema: {
      ...strict({ name: { type: "string", errorMessage: "a name", format: "path" }, any: {}, also: true }),
      propertyOrdering: ["name"],
    },
    accepted: [{ name: "/x", any: 1, also: null }],
    refused: [{ name: 1, any: 1, also: 1 }],
  },
];

export const SAMPLE_SCHEMAS: readonly SampleSchema[] = [...STRUCTURE_SCHEMAS, ...SCALAR_SCHEMAS];
