import { expect, test } from "vitest";
import { UnsupportedSchemaError } from "../unsupported-schema-error.ts";
import { createAutomatonCache } from "./automaton-cache.ts";
import type { Automaton } from "./automaton.ts";

const automaton = (transitions: number): Automaton => ({
  classes: [[[0x61, 0x61]]],
  next: new Int32Array(transitions).fill(-1),
  accepts: new Uint8Array(transitions).fill(1),
});

test("an automaton is built once, and the least recently used one is evicted when there are too many transitions", () => {
  const cache = createAutomatonCache(100);
  let made = 0;
  const find = (key: string) =>
    cache.find(key, "", () => {
      made += 1;
      return automaton(40);
    });
  const first = find("a");
  expect(find("a")).toBe(first);
  find("b");
  expect(made).toBe(2);
  find("a");
  find("c");
  expect(find("a")).toBe(first);
  expect(made).toBe(3);
  find("b");
  expect(made).toBe(4);
});

test("one that can't be built is not tried again, and its refusal has the path of the current schema", () => {
  const cache = createAutomatonCache();
  let tried = 0;
  const find = (path: string) => () =>
    cache.find("a", path, () => {
      tried += 1;
      throw new UnsupportedSchemaError("", "no string conforms to it");
    });
  expect(find("/a")).toThrow(expect.objectContaining({ path: "/a" }));
  expect(find("/b")).toThrow("at '/b': no string conforms to it");
  expect(tried).toBe(1);
});

test("another error is not cached", () => {
  const cache = createAutomatonCache();
  expect(() =>
    cache.find("a", "", () => {
      throw new RangeError("Not now.");
    }),
  ).toThrow("Not now.");
  expect(cache.find("a", "", () => automaton(1)).accepts).toHaveLength(1);
});
