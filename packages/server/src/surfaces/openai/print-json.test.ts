import { createCountedSlices } from "@openai-compat/core/counted-slices";
import fc from "fast-check";
import { expect, test } from "vitest";
import { printList, printObject } from "./print-json.ts";

test("a list that is printed item by item reads as the list, and the event loop gets its turn between the items", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.jsonValue()), fc.boolean(), async (items, isAsync) => {
      const slices = createCountedSlices();
      const print = (item: unknown) => (isAsync ? Promise.resolve(JSON.stringify(item)) : JSON.stringify(item));
      expect(await printList(items, print, slices)).toBe(JSON.stringify(items));
      expect(slices.count).toBe(items.length);
    }),
  );
});

test("an object has its own members and those that were printed before", () => {
  const names = fc.dictionary(fc.string(), fc.jsonValue());
  fc.assert(
    fc.property(names, names, (members, others) => {
      const printed = Object.fromEntries(Object.entries(others).map(([name, value]) => [name, JSON.stringify(value)]));
      expect(JSON.parse(printObject(members, printed))).toEqual(JSON.parse(JSON.stringify({ ...members, ...others })));
    }),
  );
});
