/** What clients send, as it is kept: whole, with its source, and told apart by the rules of the strict mode. */

import { expect, test } from "vitest";
import { breaksStrictRules, INPUT_GROUPS, listSchemas } from "./client-inputs.ts";

const entries = INPUT_GROUPS.flatMap(({ entries: own }) => own);

test("a hundred requests are kept, each with its source and a schema, and none twice", () => {
  expect(entries.length).toBeGreaterThanOrEqual(100);
  expect(entries.filter(({ source }) => source === "")).toEqual([]);
  for (const { entries: own } of INPUT_GROUPS) expect(new Set(own.map(({ name }) => name)).size).toBe(own.length);
  const without = entries.filter((entry) => listSchemas(entry).length === 0).map(({ name }) => name);
  // The older JSON mode has none.
  expect(without).toEqual(["json-mode"]);
});

test("each group has the program that made it, and the versions of what it used", () => {
  for (const { files, packages } of INPUT_GROUPS) {
    expect(Object.keys(files).some((name) => name.startsWith("main."))).toBe(true);
    expect(packages.every((name) => / \d+\.\d+\.\d+/.test(name))).toBe(true);
  }
});

const closed = { type: "object", properties: { a: { type: "string" } }, required: ["a"], additionalProperties: false };

test.each([
  ["a closed object", closed, false],
  ["an optional key", { ...closed, required: [] }, true],
  ["an open object", { ...closed, additionalProperties: true }, true],
  ["a default", { ...closed, properties: { a: { type: "string", default: "x" } } }, true],
  ["an unknown format", { ...closed, properties: { a: { type: "string", format: "uri" } } }, true],
  ["an open object in an array", { ...closed, properties: { a: { type: "array", items: { type: "object" } } } }, true],
  ["a root that is no object", { type: "string" }, true],
])("%s breaks the rules of the strict mode: %j, %s", (_, schema, breaks) => {
  expect(breaksStrictRules(schema)).toBe(breaks);
});
