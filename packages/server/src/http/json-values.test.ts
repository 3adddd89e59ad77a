import fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonExcess } from "./json-values.ts";
import type { JsonBounds } from "./json-values.ts";

const find = (text: string, bounds: Partial<JsonBounds>) =>
  findJsonExcess(new TextEncoder().encode(text), {
    valuesMax: Infinity,
    numbersMax: Infinity,
    depthMax: Infinity,
    ...bounds,
  });

/**
 * Containers and what they hold; an empty container is counted as if it held something, a later number of an array not.
 */
function countValues(value: unknown): number {
  if (typeof value !== "object" || value === null) return 1;
  const isCounted = (member: unknown, at: number) => !Array.isArray(value) || at === 0 || typeof member !== "number";
  const members = Object.values(value).filter(isCounted);
  return 1 + (members.length === 0 ? 1 : members.reduce<number>((sum, member) => sum + countValues(member), 0));
}

function measureDepth(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(measureDepth));
}

test("a text with as many values as are allowed passes, one more does not, whatever its strings hold", () => {
  const value = fc.jsonValue({ stringUnit: "grapheme" });
  const tricky = fc.array(fc.constantFrom("[", ",", "{", '"', "\\", '\\"', "a"), { maxLength: 8 });
  fc.assert(
    fc.property(value, tricky, (json, parts) => {
      const both = [json, parts.join("")];
      const count = countValues(both);
      const text = JSON.stringify(both, null, 1);
      expect(find(text, { valuesMax: count })).toBeNull();
      expect(find(text, { valuesMax: count - 1 })).toBe("values");
    }),
  );
});

test("a text that is nested as deep as is allowed passes, one level more does not, whatever its strings hold", () => {
  const value = fc.jsonValue({ stringUnit: "grapheme" });
  const tricky = fc.array(fc.constantFrom("[", "]", "{", "}", '"', "\\", "a"), { maxLength: 8 });
  fc.assert(
    fc.property(value, tricky, (json, parts) => {
      const both = [json, parts.join("")];
      const depth = measureDepth(both);
      const text = JSON.stringify(both, null, 1);
      expect(find(text, { depthMax: depth })).toBeNull();
      expect(find(text, { depthMax: depth - 1 })).toBe("depth");
    }),
  );
});

test("numbers of arrays have a bound of their own, and those of objects are values", () => {
  const ids = "[[1, -2, 3],\n[4,\n 5.5e3]]";
  expect(find(ids, { valuesMax: 5, numbersMax: 3 })).toBeNull();
  expect(find(ids, { numbersMax: 2 })).toBe("numbers");
  expect(find('{"a": 1, "b": 2, "c": 3}', { valuesMax: 4, numbersMax: 0 })).toBeNull();
  expect(find('{"a": 1, "b": 2, "c": 3}', { valuesMax: 3 })).toBe("values");
});

test("a text without an end is judged by what is there", () => {
  expect(find("[".repeat(10), { valuesMax: 10 })).toBe("values");
  expect(find("[".repeat(10), { depthMax: 9 })).toBe("depth");
  expect(find('"[[[[[[[[[[[', { valuesMax: 5, depthMax: 5 })).toBeNull();
});
