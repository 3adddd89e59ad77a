import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { formBoolean, formFileSchema, formList, formNumber } from "./form-field.ts";

const half = formNumber(z.number().max(1));

test.each([
  ["0.5", 0.5],
  ["1", 1],
  [".5", 0.5],
  ["+1.", 1],
  ["-1e-3", -0.001],
  [0.5, 0.5],
])("%j is the number %d", (value, number) => {
  expect(half.parse(value)).toBe(number);
});

test.each(["", " ", "1 ", "0x1", "1e", ".", "NaN", "Infinity", "-1e999", "2", "half", true, null, ["1"]])(
  "%j is no number up to 1",
  (value) => {
    expect(half.safeParse(value).success).toBe(false);
  },
);

test("every finite number survives its text", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
      expect(formNumber(z.number()).parse(String(number))).toBe(Number(String(number)));
    }),
  );
});

test("a boolean is written by JavaScript and Python in their own way", () => {
  for (const value of ["true", "True", "TRUE", true]) expect(formBoolean().parse(value)).toBe(true);
  for (const value of ["false", "False", false]) expect(formBoolean().parse(value)).toBe(false);
  for (const value of ["", "1", "yes", "truee", 1, null]) expect(formBoolean().safeParse(value).success).toBe(false);
});

test("one element is a list of one", () => {
  const list = formList(z.array(z.enum(["word", "segment"])));
  expect(list.parse("word")).toEqual(["word"]);
  expect(list.parse(["word", "segment"])).toEqual(["word", "segment"]);
  expect(list.safeParse("sentence").success).toBe(false);
});

test("an optional field may be absent in every form", () => {
  const fields = z.object({
    a: half.optional(),
    b: formBoolean().optional(),
    c: formList(z.array(z.string())).optional(),
  });
  expect(fields.parse({})).toEqual({});
});

test("a file is a file whatever its name and type, and a text is none", () => {
  expect(formFileSchema.safeParse(new File([], "blob")).success).toBe(true);
  expect(formFileSchema.safeParse(new File(["x"], "", { type: "application/octet-stream" })).success).toBe(true);
  expect(formFileSchema.safeParse("RIFF").success).toBe(false);
});
