import fc from "fast-check";
import { anyCharacter } from "@openai-compat/core/any-character";
import { expect, test } from "vitest";
import { isRecord, parseRecord } from "./json-value.ts";
import { createModelReplacer } from "./model-replacer.ts";

function replace(text: string): string {
  const value = parseRecord(text);
  if (value === null) throw new Error("The test's text is no object.");
  return createModelReplacer("ours")(text, value);
}

test("the text stays as it is but for the model", () => {
  expect(replace('{"id":"c", "model":"theirs","n": 1.50}')).toBe('{"id":"c", "model":"ours","n": 1.50}');
  expect(replace('{"id":"c", "model": "theirs","n": 1.50}')).toBe('{"id":"c", "model": "ours","n": 1.50}');
  expect(replace('{"n": 1.50}')).toBe('{"n": 1.50}');
});

test("only the top-level model is renamed, wherever else the word stands", () => {
  const cases = [
    { a: { model: "theirs" }, model: "theirs" },
    { model: "theirs", a: { model: "theirs" } },
    { a: { model: "theirs" } },
    { text: '"model":"theirs"', model: "theirs" },
    { text: "model", model: "theirs" },
    { 'x"model': "theirs", model: "theirs" },
    { model: 7, text: "x" },
    { model: 'say "theirs"\n' },
    { model: null },
  ];
  for (const value of cases) {
    const expected = "model" in value ? { ...value, model: "ours" } : value;
    expect(parseRecord(replace(JSON.stringify(value)))).toEqual(expected);
  }
});

test("a key that is repeated, or written with escapes, is replaced too", () => {
  for (const text of [
    '{"model":"theirs","model":"theirs"}',
    '{"a":{"model":"theirs"},"mod\\u0065l":"theirs"}',
    '{"model":"theirs","mod\\u0065l":"theirs"}',
    '{"a":{"model":"theirs"},"model" :"theirs"}',
  ]) {
    expect(parseRecord(replace(text))?.["model"]).toBe("ours");
    expect(replace(text).replaceAll(/"a":\{[^}]*\}/g, "")).not.toContain("theirs");
  }
});

test("any object is unchanged except for its model", () => {
  const key = fc.constantFrom("model", "m", 'a"model', "model:", "id");
  const object = fc.dictionary(key, fc.jsonValue({ maxDepth: 3, stringUnit: anyCharacter }));
  fc.assert(
    fc.property(object, object, fc.constantFrom(0, 2), (outer, inner, space) => {
      const text = JSON.stringify({ inner, ...outer }, null, space);
      const before: unknown = JSON.parse(text);
      const after: unknown = JSON.parse(replace(text));
      expect(after).toEqual(isRecord(before) && "model" in before ? { ...before, model: "ours" } : before);
    }),
  );
});
