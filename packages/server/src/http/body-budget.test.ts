import { expect, test } from "vitest";
import { createBodyBudget } from "./body-budget.ts";

const LIMITS = { bodiesBytesMax: 100, accountBodiesBytesMax: 40, bodyBytesMax: 30, smallBodyBytesMax: 0 };
const refusal = expect.objectContaining({ code: "queue_full", retryAfterMs: 1000 });

test("an account has its share, over all of its requests, and gets it back", () => {
  const budget = createBodyBudget(LIMITS);
  const [first, second] = [budget.open("ada"), budget.open("ada")];
  first.take(20);
  first.take(10);
  expect(() => second.take(11)).toThrow(refusal);
  second.take(10);
  first.release();
  first.release();
  second.take(30);
  expect(() => first.take(1)).toThrow(refusal);
});

test("an account at its share leaves others theirs", () => {
  const budget = createBodyBudget(LIMITS);
  budget.open("ada").take(40);
  expect(() => budget.open("ada").take(1)).toThrow(refusal);
  budget.open("bob").take(30);
});

test("however many accounts send, there is room for one more, and never more in all than there is", () => {
  const budget = createBodyBudget({ ...LIMITS, bodiesBytesMax: 1000, accountBodiesBytesMax: 1000 });
  let total = 0;
  for (let account = 0; account < 9; account += 1) {
    const share = budget.open(`account ${account}`);
    const before = total;
    try {
      for (;;) {
        share.take(1);
        total += 1;
      }
    } catch (thrown) {
      expect(thrown).toEqual(refusal);
    }
    expect(total).toBeLessThanOrEqual(1000);
    expect(total).toBeGreaterThan(before);
  }
});

test("what is announced takes nothing, and is refused when it would not fit", () => {
  const budget = createBodyBudget(LIMITS);
  for (let request = 0; request < 10; request += 1) budget.open("ada").expect(30);
  budget.open("ada").take(20);
  expect(() => budget.open("ada").expect(30)).toThrow(refusal);
});

test("an account has room for one of the largest bodies, whatever its share is set to", () => {
  createBodyBudget({ ...LIMITS, accountBodiesBytesMax: 1 })
    .open("ada")
    .take(30);
});

test("small bodies are read when nothing else is, and a body that grows counts as a whole", () => {
  const budget = createBodyBudget({ ...LIMITS, smallBodyBytesMax: 5 });
  const full = budget.open("ada");
  full.take(40);
  const small = budget.open("ada");
  small.expect(5);
  small.take(5);
  expect(() => small.take(1)).toThrow(refusal);
  full.release();
  small.release();
  const grown = budget.open("ada");
  grown.take(5);
  grown.take(35);
  expect(() => budget.open("ada").take(6)).toThrow(refusal);
  expect(grown.bytes()).toBe(40);
});
