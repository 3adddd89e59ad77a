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

test("a key that a caller chose is refused by the name of its record, with the rule", () => {
  const schema = z.looseObject({ metadata: z.record(z.string().max(64), z.string()) });
  const read = () => decodeBody(schema, { metadata: { ["k".repeat(65)]: "v" } });
  expect(read).toThrow("Invalid key in 'metadata': expected a string with at most 64 characters.");
});

test("a type that may be left out is no value to send", () => {
  const item = z.discriminatedUnion("type", [
    z.looseObject({ type: z.literal("message").optional() }),
    z.looseObject({ type: z.literal("call") }),
  ]);
  const read = (type: unknown) => () => decodeBody(z.looseObject({ item }), { item: { type } });
  expect(read("nonsense")).toThrow("Supported values are: 'message', 'call'.");
  expect(read(7)).toThrow("Invalid type for 'item.type': expected a string, but got an integer instead.");
});

test("of a key that may be long, its beginning is sent back", () => {
  const read = () =>
    decodeBody(z.looseObject({ bias: z.record(z.string(), z.number()) }), { bias: { ["k".repeat(10_000)]: "v" } });
  expect(read).toThrow(/^Invalid type for 'bias\.k{100}': expected a number, but got a string instead\.$/);
});
