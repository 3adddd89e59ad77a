import { expect, test } from "vitest";
import { encodeRelaxedSchemas } from "./relaxed-schemas.ts";

const param = "tools[0].function.parameters";

test("there is no header where everything is enforced", () => {
  expect(encodeRelaxedSchemas([])).toEqual({});
});

test("each keyword is named with its place", () => {
  const relaxed = [
    { param, pointer: "/properties/a", keyword: "not" },
    { param, pointer: "", keyword: "*" },
  ];
  const header = "tools[0].function.parameters#/properties/a/not, tools[0].function.parameters#/*";
  expect(encodeRelaxedSchemas(relaxed)).toEqual({ "x-schema-relaxed": header });
});

test("names of any characters make a header that can be sent, and read", () => {
  const pointer = "/properties/naïve, \r\nset-cookie: a#\ud800😁";
  const { "x-schema-relaxed": header = "" } = encodeRelaxedSchemas([{ param, pointer, keyword: "not" }]);
  expect(header).toMatch(/^[\x21-\x7e]+$/);
  expect(header).not.toContain(",");
  expect(() => new Headers({ header })).not.toThrow();
});

test("a list that is long ends in a number, and so does a name", () => {
  const relaxed = Array.from({ length: 500 }, (_, at) => ({ param, pointer: `/properties/${at}`, keyword: "not" }));
  const { "x-schema-relaxed": header = "" } = encodeRelaxedSchemas(relaxed);
  expect(header.length).toBeLessThan(1100);
  expect(header).toMatch(/, and \d+ more$/);
  const long = encodeRelaxedSchemas([{ param, pointer: `/${"x".repeat(10_000)}`, keyword: "not" }]);
  expect(long["x-schema-relaxed"]?.length).toBeLessThan(300);
});
