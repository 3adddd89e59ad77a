import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { validateShape, VALIDATION_PARSES_MAX } from "./validate-shape.ts";

const thing = z.looseObject({
  id: z.string(),
  note: z.string().nullable(),
  label: z.string().optional(),
  parts: z.array(z.looseObject({ size: z.int(), unit: z.string().optional() })).optional(),
});

function pathsOf(schema: z.ZodType, value: unknown): string[] {
  return validateShape(schema, value).map((issue) => issue.path);
}

test("null in an optional field counts as absent, at any depth", () => {
  expect(validateShape(thing, { id: "a", note: null, label: null, parts: [{ size: 1, unit: null }] })).toEqual([]);
});

test("null in a required field is an issue that says so", () => {
  const issues = validateShape(thing, { id: null, note: "n", label: null });
  expect(issues.map((issue) => [issue.path, issue.message])).toEqual([
    ["id", "Invalid input: expected string, received null"],
  ]);
});

test("a required field that may be null must still be present", () => {
  expect(pathsOf(thing, { id: "a", label: null })).toEqual(["note"]);
});

test("null as an element of an array is an issue", () => {
  expect(pathsOf(thing, { id: "a", note: null, parts: [null] })).toEqual(["parts[0]"]);
});

test("null as the value itself is an issue", () => {
  expect(pathsOf(thing, null)).toEqual([""]);
});

test("a null that one branch of a union needs and another refuses is judged per branch", () => {
  const schema = z.union([
    z.object({ answer: z.string().nullable(), extra: z.string().optional() }),
    z.object({ answer: z.string(), extra: z.string() }),
  ]);
  expect(validateShape(schema, { answer: null, extra: null })).toEqual([]);
  expect(validateShape(schema, { answer: 1, extra: null })).not.toEqual([]);
});

test("a refused null inside a union inside an array is ignored", () => {
  const part = z.discriminatedUnion("type", [
    z.object({ type: z.literal("a"), name: z.string().optional() }),
    z.object({ type: z.literal("b"), size: z.int() }),
  ]);
  expect(validateShape(z.array(z.union([z.string(), part])), ["x", { type: "a", name: null }])).toEqual([]);
  expect(pathsOf(z.array(part), [{ type: "b", size: null }])).toEqual(["[0].size"]);
});

test("the value is left as it was", () => {
  const value = { id: "a", note: null, label: null, parts: [{ size: 1, unit: null }] };
  const before = structuredClone(value);
  validateShape(thing, value);
  expect(value).toEqual(before);
});

test("the number of parses is bounded", () => {
  let parses = 0;
  const branch = (key: string): z.ZodType => z.object({ [key]: z.string(), never: z.string() });
  const field = z.union(["a", "b", "c", "d"].map(branch));
  const nested = z.object({ left: field, right: field, middle: field });
  const counted = z.preprocess((value) => {
    parses += 1;
    return value;
  }, nested);
  const nulls = { a: null, b: null, c: null, d: null };
  expect(validateShape(counted, { left: nulls, right: nulls, middle: nulls })).not.toEqual([]);
  expect(parses).toBeGreaterThan(2);
  expect(parses).toBeLessThanOrEqual(VALIDATION_PARSES_MAX);
});

const present = fc.record(
  {
    id: fc.string(),
    note: fc.option(fc.string()),
    label: fc.string(),
    parts: fc.array(fc.record({ size: fc.integer(), unit: fc.string() }, { requiredKeys: ["size"] })),
  },
  { requiredKeys: ["id", "note"] },
);

test("setting any optional fields to null never makes a valid value invalid", () => {
  fc.assert(
    fc.property(present, fc.boolean(), fc.boolean(), (value, nullLabel, nullUnits) => {
      const withNulls = {
        ...value,
        ...(nullLabel ? { label: null } : {}),
        ...(nullUnits ? { parts: value.parts?.map((part) => ({ ...part, unit: null })) ?? null } : {}),
      };
      expect(validateShape(thing, withNulls)).toEqual([]);
    }),
  );
});

test("no value at all makes it throw, and what the schema accepts is never an issue", () => {
  fc.assert(
    fc.property(fc.anything(), (value) => {
      const issues = validateShape(thing, value);
      if (thing.safeParse(value).success) expect(issues).toEqual([]);
    }),
  );
});
