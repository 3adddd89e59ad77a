/** Typical schemas of single values: texts, patterns, formats, numbers, enumerations. */

import { strict } from "./schema-builders.ts";
import type { SampleSchema } from "./schema-builders.ts";

export const SCALAR_SCHEMAS: readonly SampleSchema[] = [
  {
    name: "an enumeration",
    schema: strict({ mood: { type: "string", enum: ["glad", "sad", "so-so"] } }),
    accepted: [{ mood: "so-so" }],
    refused: [{ mood: "mad" }],
  },
  {
    name: "an enumeration of mixed values",
    schema: { enum: ["a", 1, null, { k: [1] }] },
    accepted: ["a", 1, null, { k: [1] }],
    refused: ["b", 2, { k: [2] }],
  },
  {
    name: "a constant with quotes",
    schema: strict({ a: { const: 'say "hi" \\ bye' } }),
    accepted: [{ a: 'say "hi" \\ bye' }],
    refused: [{ a: "hi" }],
  },
  {
    name: "a string of bounded length",
    schema: { type: "string", minLength: 2, maxLength: 4 },
    accepted: ["ab", "abcd", 'é\n"q', "👋👋"],
    refused: ["a", "abcde", ""],
  },
  {
    name: "a pattern of a code",
    schema: strict({ code: { type: "string", pattern: "^[A-Z]{2}-\\d{3,4}$" } }),
    accepted: [{ code: "AB-123" }, { code: "XY-9999" }],
    refused: [{ code: "ab-123" }, { code: "AB-12" }],
  },
  {
    name: "a pattern anywhere",
    schema: { type: "string", pattern: "ab+" },
    accepted: ["ab", "xxabbby"],
    refused: ["xa"],
  },
  {
    name: "a pattern with quotes",
    schema: { type: "string", pattern: '^"[^"]*"\\\\$' },
    accepted: ['"hi"\\'],
    refused: ["hi"],
  },
  {
    name: "a pattern of alternatives",
    schema: { type: "string", pattern: "^(?:foo|bar)(baz)?$" },
    accepted: ["foo", "barbaz"],
    refused: ["baz", "foobar"],
  },
  {
    name: "a pattern with a one-sided anchor each",
    schema: { type: "string", pattern: "^foo|bar$" },
    accepted: ["foox", "xbar"],
    refused: ["xfoox"],
  },
  {
    name: "a whole number between bounds",
    schema: { type: "integer", minimum: -5, maximum: 120 },
    accepted: [-5, -1, 0, 7, 99, 100, 120],
    refused: [-6, 121, 1000, 1.5],
  },
  {
    name: "a whole number above",
    schema: { type: "integer", minimum: 17 },
    accepted: [17, 18, 99, 100, 123_456],
    refused: [16, 0, -1],
  },
  {
    name: "a whole number below",
    schema: { type: "integer", exclusiveMaximum: -2 },
    accepted: [-3, -100],
    refused: [-2, 0, 5],
  },
  {
    name: "a share between 0 and 1",
    schema: strict({ confidence: { type: "number", minimum: 0, maximum: 1 } }),
    accepted: [{ confidence: 0 }, { confidence: 0.25 }, { confidence: 1 }],
    refused: [{ confidence: 1.1 }, { confidence: -0.1 }],
  },
  {
    name: "a positive price",
    schema: { type: "number", exclusiveMinimum: 0 },
    accepted: [0.01, 1, 99.9],
    refused: [0, -1],
  },
  {
    name: "a degree",
    schema: { type: "number", minimum: -180, maximum: 180 },
    accepted: [-180, -179.5, -0.5, 0.5, 180],
    refused: [-180.5, 181],
  },
  {
    name: "a date and a time",
    schema: strict({ day: { type: "string", format: "date" }, at: { type: "string", format: "date-time" } }),
    accepted: [{ day: "2024-01-31", at: "2024-12-01T23:59:59Z" }],
    refused: [{ day: "2024-02-30", at: "2024-12-01T23:59:59Z" }],
  },
  {
    name: "an id and an address",
    schema: strict({ id: { type: "string", format: "uuid" }, mail: { type: "string", format: "email" } }),
    accepted: [{ id: "123e4567-e89b-12d3-a456-426614174000", mail: "ada@example.org" }],
    refused: [{ id: "x", mail: "y" }],
  },
  {
    name: "a multiple of a whole number",
    schema: { type: "integer", multipleOf: 7, minimum: -20, maximum: 500 },
    accepted: [-14, 0, 7, 70, 497],
    refused: [1, -21, 504, 7.5],
  },
  {
    name: "a multiple of half",
    schema: strict({ step: { type: "number", multipleOf: 0.5 } }),
    accepted: [{ step: 0.5 }, { step: -3 }, { step: 12.5 }],
    refused: [{ step: 0.25 }, { step: 1.1 }],
  },
  {
    name: "a pattern with a length",
    schema: { type: "string", pattern: "^[a-z][a-z0-9-]*$", minLength: 2, maxLength: 5 },
    accepted: ["ab", "a-1-2"],
    refused: ["a", "abcdef", "1a"],
  },
  {
    name: "a pattern with a format",
    schema: { type: "string", format: "date", pattern: "^2024-" },
    accepted: ["2024-02-29", "2024-12-31"],
    refused: ["2023-01-01", "2024-02-30"],
  },
  {
    name: "a pattern that looks ahead",
    schema: { type: "string", pattern: "^(?!.*--)(?=.*[0-9])[a-z0-9-]+$" },
    accepted: ["a-1", "7"],
    refused: ["a--1", "abc"],
  },
  {
    name: "addresses and times of the network",
    schema: strict({ ip: { type: "string", format: "ipv6" }, wait: { type: "string", format: "duration" } }),
    accepted: [
      { ip: "::1", wait: "PT1H" },
      { ip: "2001:db8::8a2e:370:7334", wait: "P1DT2H3M" },
    ],
    refused: [
      { ip: ":::", wait: "PT1H" },
      { ip: "::1", wait: "P" },
    ],
  },
  {
    name: "a place on the web",
    schema: strict({ url: { type: "string", format: "uri", minLength: 1, maxLength: 2083 } }),
    accepted: [{ url: "https://www.example.org/a/b?c=d#e" }],
    refused: [{ url: "example" }, { url: "" }],
  },
  {
    name: "an enumeration with limits",
    schema: { type: "string", enum: ["", "a", "abc"], minLength: 1, pattern: "^a" },
    accepted: ["a", "abc"],
    refused: ["", "b"],
  },
  {
    name: "a long text",
    schema: strict({ prompt: { type: "string", maxLength: 10_000 } }),
    accepted: [{ prompt: "x".repeat(10_000) }, { prompt: "" }],
    refused: [{ prompt: "x".repeat(10_001) }],
  },
];
