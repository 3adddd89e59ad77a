import fc from "fast-check";
import { anyCharacter } from "./testing/any-character.ts";
import { expect, test } from "vitest";
import { createCountedSlices } from "./testing/counted-slices.ts";
import type { WorkSlices } from "./work-slices.ts";
import { stringifyInSlices } from "./stringify-in-slices.ts";

async function printLarge(value: unknown, slices: WorkSlices): Promise<string> {
  const printed = await stringifyInSlices(value, slices);
  if (typeof printed === "string") throw new Error("It was printed as a small value.");
  return Buffer.from(printed).toString();
}

test("any value is printed as JSON.stringify prints it, small or large", async () => {
  const large = fc.constantFrom("a", "\u{1f600}", "\ud800", '"', "é\n").map((unit) => unit.repeat(70_000));
  const value = fc.jsonValue({ stringUnit: anyCharacter });
  await fc.assert(
    fc.asyncProperty(value, large, fc.boolean(), async (small, text, isKey) => {
      const slices = createCountedSlices();
      expect(await stringifyInSlices(small, slices)).toBe(JSON.stringify(small));
      expect(slices.count).toBe(0);
      const both = {
        small,
        list: [small, isKey ? { [text]: undefined, [`x${text}`]: 1 } : `x${text}`],
        none: undefined,
      };
      expect(await printLarge(both, slices)).toBe(JSON.stringify(both));
    }),
    { numRuns: 50 },
  );
});

test.each<[string, unknown]>([
  ["text", "a".repeat(1_000_000)],
  ["key", { ["k".repeat(1_000_000)]: 1 }],
  ["list", Array.from({ length: 100_000 }, (_, index) => index)],
  ["table", Object.fromEntries(Array.from({ length: 100_000 }, (_, index) => [`k${index}`, null]))],
  ["list of lists", Array.from({ length: 100 }, () => Array.from({ length: 1000 }, () => ({ a: 1 })))],
])("a large %s is printed in slices", async (_kind, value) => {
  const slices = createCountedSlices();
  expect(await printLarge(value, slices)).toBe(JSON.stringify(value));
  expect(slices.count).toBeGreaterThan(10);
});

test("no copy of a large text is made in one go", async () => {
  const slices = createCountedSlices();
  await stringifyInSlices({ messages: [{ content: "a".repeat(10_000_000) }] }, slices);
  // Printing the pieces, and putting them together.
  expect(slices.count).toBeGreaterThan((2 * 10_000_000) / (64 * 1024));
});
