import fc from "fast-check";
import { expect, test } from "vitest";
import { decodeForm } from "./decode-form.ts";

test("a name with empty brackets is a list, however often it comes and wherever", () => {
  expect(decodeForm([["languages[]", "de"]])).toEqual({ languages: ["de"] });
  expect(
    decodeForm([
      ["include[]", "a"],
      ["model", "m"],
      ["include[]", "b"],
    ]),
  ).toEqual({ include: ["a", "b"], model: "m" });
});

test("names with a key in brackets make an object", () => {
  expect(
    decodeForm([
      ["chunking_strategy[type]", "server_vad"],
      ["chunking_strategy[threshold]", "0.5"],
    ]),
  ).toEqual({ chunking_strategy: { type: "server_vad", threshold: "0.5" } });
});

test("names with numbers in brackets are a list in the order of the numbers", () => {
  expect(decodeForm([["include[0]", "a"]])).toEqual({ include: ["a"] });
  const fields = [10, 2, 0].map((index): [string, string] => [`words[${index}]`, `w${index}`]);
  expect(decodeForm([...fields, ["words[]", "first"]])).toEqual({ words: ["first", "w0", "w2", "w10"] });
  // Not of a list.
  expect(
    decodeForm([
      ["a[0]", "1"],
      ["a[key]", "2"],
    ]),
  ).toEqual({ a: { 0: "1", key: "2" } });
  expect(decodeForm([["a[01]", "1"]])).toEqual({ a: { "01": "1" } });
});

test("a plain name that is repeated becomes a list, so that no value is lost silently", () => {
  expect(
    decodeForm([
      ["model", "a"],
      ["model", "b"],
      ["x", "1"],
      ["x[]", "2"],
      ["x[key]", "3"],
    ]),
  ).toEqual({ model: ["a", "b"], x: ["1", "2", { key: "3" }] });
});

test("brackets that spell neither stay in the name", () => {
  for (const name of ["a[b][c]", "[]", "a[", "a]", "a[]b", ""])
    expect(decodeForm([[name, "1"]])).toEqual({ [name]: "1" });
});

test("a field named like a property of every object is a field like others", () => {
  const decoded = decodeForm([
    ["__proto__", "1"],
    ["a[__proto__]", "2"],
    ["constructor[]", "3"],
  ]);
  expect(Object.keys(decoded)).toEqual(["__proto__", "a", "constructor"]);
  expect(Object.getPrototypeOf(decoded)).toBe(Object.prototype);
  expect(Object.entries(decoded["a"] ?? {})).toEqual([["__proto__", "2"]]);
});

const name = fc.stringMatching(/^[^[\]]+$/);
/** Numbers are those of a list. */
const wordName = name.filter((candidate) => !/^\d+$/.test(candidate));
const text = fc.string();
const body = fc.dictionary(
  name,
  fc.oneof(
    text,
    fc.array(text, { minLength: 1 }),
    fc.dictionary(wordName, text, { minKeys: 1, noNullPrototype: true }),
  ),
  { noNullPrototype: true },
);

/** A body as the SDKs send it. */
function encodeForm(values: Record<string, string | string[] | Record<string, string>>): [string, string][] {
  return Object.entries(values).flatMap(([key, value]): [string, string][] => {
    if (typeof value === "string") return [[key, value]];
    if (Array.isArray(value)) return value.map((element) => [`${key}[]`, element]);
    return Object.entries(value).map(([property, inner]) => [`${key}[${property}]`, inner]);
  });
}

test("what was encoded as the SDKs do it is decoded to what it was", () => {
  fc.assert(
    fc.property(body, (values) => {
      expect(decodeForm(encodeForm(values))).toEqual(values);
    }),
  );
});
