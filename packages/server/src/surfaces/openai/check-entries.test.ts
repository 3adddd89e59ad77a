import { expect, test } from "vitest";
import { checkEntries } from "./check-entries.ts";

const table = (entries: number) => Object.fromEntries(Array.from({ length: entries }, (_, index) => [index, 1]));

test.each([
  ["logit_bias", 1024],
  ["metadata", 16],
])("%s may have %d entries and no more", (param, most) => {
  expect(() => checkEntries({ [param]: table(most) })).not.toThrow();
  expect(() => checkEntries({ [param]: table(most + 1) })).toThrow(
    `Invalid '${param}': expected at most ${most} entries, but got ${most + 1}.`,
  );
});

test.each([null, 1, "text", {}, { logit_bias: null }, { logit_bias: "text" }])("%j is left to the schema", (body) => {
  expect(() => checkEntries(body)).not.toThrow();
});

test("a body may have 1,024 fields and no more", () => {
  expect(() => checkEntries(table(1024))).not.toThrow();
  expect(() => checkEntries(table(1025))).toThrow("The request body may have at most 1024 fields, but it has 1025.");
});
