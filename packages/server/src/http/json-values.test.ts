import fc from "fast-check";
import { expect, test } from "vitest";
import { exceedsJsonValues } from "./json-values.ts";

const exceeds = (text: string, valuesMax: number) => exceedsJsonValues(new TextEncoder().encode(text), valuesMax);

/** Containers and what they hold; an empty container is counted as if it held something. */
function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const members = Object.values(value);
  return 1 + (members.length === 0 ? 1 : members.reduce<number>((sum, member) => sum + countValues(member), 0));
}

test("a text with as many values as are allowed passes, one more does not, whatever its strings hold", () => {
  const value = fc.jsonValue({ stringUnit: "grapheme" });
  const tricky = fc.array(fc.constantFrom("[", ",", "{", '"', "\\", '\\"', "a"), { maxLength: 8 });
  fc.assert(
    fc.property(value, tricky, (json, parts) => {
      const both = [json, parts.join("")];
      const count = countValues(both);
      const text = JSON.stringify(both, null, 1);
      expect(exceeds(text, count)).toBe(false);
      expect(exceeds(text, count - 1)).toBe(true);
    }),
  );
});

test("a text without an end is judged by what is there", () => {
  expect(exceeds("[".repeat(10), 10)).toBe(true);
  expect(exceeds('"[[[[[[[[[[[', 5)).toBe(false);
});
