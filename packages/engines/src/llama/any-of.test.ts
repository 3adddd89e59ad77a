import fc from "fast-check";
import { expect, test } from "vitest";
import { matchAnyOf } from "./any-of.ts";

const matches = (texts: readonly string[], text: string) => text.match(matchAnyOf(texts)) ?? [];

test("any of the texts is found, the longest where several begin", () => {
  expect(matches(["<s>", "<|end|>", "<|end|>>", "[.*]"], "a<s><|end|>>[.*][xx]<|end|")).toEqual([
    "<s>",
    "<|end|>>",
    "[.*]",
  ]);
  expect(matches([], "anything")).toEqual([]);
  expect(matches([""], "anything")).toEqual([]);
});

test("a text is found exactly where one of the texts stands in it", () => {
  const unit = fc.constantFrom("<", "|", "a", "\u{1f600}", "]", "\\", "-", "\ud800");
  const texts = fc.array(fc.string({ unit, minLength: 1, maxLength: 4 }), { maxLength: 20 });
  fc.assert(
    fc.property(texts, fc.string({ unit, maxLength: 12 }), (list, raw) => {
      const text = raw.toWellFormed();
      const wellFormed = list.map((one) => one.toWellFormed());
      expect(matches(wellFormed, text).length > 0).toBe(wellFormed.some((one) => text.includes(one)));
    }),
  );
});
