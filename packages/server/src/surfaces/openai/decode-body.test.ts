import { expect, test } from "vitest";
import { z } from "zod";
import { decodeBody } from "./decode-body.ts";

test("a body with many mistakes is looked at up to the first", () => {
  let looks = 0;
  const never = z.custom<never>(() => {
    looks += 1;
    return false;
  });
  const schema = z.looseObject({ list: z.array(z.looseObject({ value: never })), other: z.array(never) });
  const values = Array.from({ length: 1000 }, (_, index) => index);
  const body = { list: values.map((value) => ({ value })), other: values };
  expect(() => decodeBody(schema, body)).toThrow("list[0].value");
  expect(() => decodeBody(schema, { ...body, list: [] })).toThrow("other[0]");
  expect(looks).toBeLessThan(10);
});
