import { expect, test } from "vitest";
import { createBodyBudget } from "./body-budget.ts";

test("bodies share what there is, and what a request gives back is there for the next", () => {
  const budget = createBodyBudget(100);
  const [first, second] = [budget.open(), budget.open()];
  first.take(60);
  first.take(30);
  expect(() => second.take(11)).toThrow(expect.objectContaining({ code: "queue_full", retryAfterMs: 1000 }));
  second.take(10);
  first.release();
  first.release();
  second.take(90);
  expect(() => first.take(1)).toThrow(expect.objectContaining({ code: "queue_full" }));
});
