import { expect, test } from "vitest";
import { createSizedCache } from "./sized-cache.ts";

const open = (countMax: number, sizeMax: number) =>
  createSizedCache<string>({ countMax, sizeMax, sizeOf: (value) => value.length });

test("the least recently used value is evicted for a further one, and a look counts as a use", () => {
  const cache = open(2, 100);
  cache.set("a", "one");
  cache.set("b", "two");
  expect(cache.get("a")).toBe("one");
  cache.set("c", "three");
  expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual(["one", undefined, "three"]);
});

test("values together take no more than the size, and one that replaces another takes its share alone", () => {
  const cache = open(100, 6);
  cache.set("a", "1234");
  cache.set("a", "12");
  cache.set("b", "1234");
  expect(["a", "b"].map((key) => cache.get(key))).toEqual(["12", "1234"]);
  cache.set("c", "1");
  expect(["a", "b", "c"].map((key) => cache.get(key))).toEqual([undefined, "1234", "1"]);
});

test("what is larger than the cache is not kept", () => {
  const cache = open(100, 6);
  cache.set("a", "1234567");
  expect(cache.get("a")).toBeUndefined();
  cache.set("b", "123456");
  expect(cache.get("b")).toBe("123456");
});
