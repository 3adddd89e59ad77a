import { expect, test } from "vitest";
import { createRowCosts } from "./row-costs.ts";

function measure(curve: Readonly<Record<number, number>>, costs = createRowCosts()) {
  for (const [rows, tookMs] of Object.entries(curve)) {
    for (let round = 0; round < 9; round += 1) costs.note(Number(rows), tookMs);
  }
  return costs;
}

test("rows go together where one evaluation is cheaper than several, by more than a measurement's noise", () => {
  // As measured of a model of 135 million parameters on one thread.
  const costs = measure({ 1: 11.6, 2: 29.5, 3: 34.2, 4: 37.4, 8: 52 });
  expect([2, 3, 4, 8].filter((rows) => costs.isCheaperTogether(rows))).toEqual([4, 8]);
});

test("where a second row costs next to nothing, two go together", () => {
  expect(measure({ 1: 10, 2: 10.5 }).isCheaperTogether(2)).toBe(true);
});

test("a number of rows that was not measured is tried: first one row, then all of them, three times each", () => {
  const costs = createRowCosts();
  for (let round = 0; round < 3; round += 1) {
    expect(costs.isCheaperTogether(2)).toBe(false);
    costs.note(1, 10);
  }
  for (let round = 0; round < 3; round += 1) {
    expect(costs.isCheaperTogether(2)).toBe(true);
    costs.note(2, 25);
  }
  expect(costs.isCheaperTogether(2)).toBe(false);
});

test("a single slow evaluation changes nothing", () => {
  const costs = measure({ 1: 10, 2: 12 });
  costs.note(2, 1000);
  expect(costs.isCheaperTogether(2)).toBe(true);
});

test("rows stay together where half of their evaluations, and none of single rows, were slowed down by something else", () => {
  const costs = measure({ 1: 13 });
  for (let round = 0; round < 4; round += 1) {
    costs.note(8, 51);
    costs.note(8, 400);
  }
  expect(costs.isCheaperTogether(8)).toBe(true);
});

test("what a busy machine made look dear is found out within 120 decisions after it", () => {
  const costs = measure({ 1: 13, 8: 400 });
  const decide = () => {
    const isTogether = costs.isCheaperTogether(8);
    costs.note(isTogether ? 8 : 1, isTogether ? 51 : 13);
    return isTogether;
  };
  expect(decide()).toBe(false);
  for (let at = 0; at < 120; at += 1) decide();
  expect(decide()).toBe(true);
});

test("one decision in forty is the other one, so a cost that has changed is noticed", () => {
  const costs = measure({ 1: 10, 2: 30 });
  let together = 0;
  const decide = (times: number) => {
    for (let at = 0; at < times; at += 1) {
      if (!costs.isCheaperTogether(2)) continue;
      together += 1;
      costs.note(2, 12);
    }
  };
  decide(79);
  expect(together).toBe(1);
  decide(1000);
  expect(together).toBeGreaterThan(900);
});
