import { expect, test } from "vitest";
import { createCallQueue } from "./call-queue.ts";

function takeAll(queue: ReturnType<typeof createCallQueue<string>>): readonly string[] {
  const taken: string[] = [];
  for (let item = queue.take(); item !== undefined; item = queue.take()) taken.push(item);
  return taken;
}

test("calls take turns, and the items of one call are taken in order", () => {
  const queue = createCallQueue<string>();
  const a = {};
  for (const item of ["a1", "a2", "a3"]) queue.add(a, item);
  for (const item of ["b1", "b2"]) queue.add("b", item);
  queue.add({}, "c1");
  expect(queue.take()).toBe("a1");
  queue.add(a, "a4");
  expect(takeAll(queue)).toEqual(["b1", "c1", "a2", "b2", "a3", "a4"]);
});

test("an item that was removed is not taken, and removing it again changes nothing", () => {
  const queue = createCallQueue<string>();
  for (const item of ["a1", "a2"]) queue.add("a", item);
  queue.add("b", "b1");
  queue.remove("b", "b1");
  queue.remove("b", "b1");
  queue.remove("a", "a1");
  expect(queue.isEmpty).toBe(false);
  expect(takeAll(queue)).toEqual(["a2"]);
  expect(queue.isEmpty).toBe(true);
});
