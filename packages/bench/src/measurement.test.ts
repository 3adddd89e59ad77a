import { expect, test } from "vitest";
import { formatTable, median, summarise } from "./measurement.ts";

test("the median of an even count lies between the two in the middle", () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
  expect(median([3, 1, 2])).toBe(2);
});

test("the ratio is taken round by round, so that a drifting machine cancels out", () => {
  const label = { name: "tokens", unit: "tok/s", baselineName: "raw" };
  const row = summarise(label, [
    { ours: 10, baseline: 10 },
    { ours: 5, baseline: 5 },
    { ours: 90, baseline: 100 },
  ]);
  expect(row).toMatchObject({ ours: 10, baseline: 10, ratio: 1, rounds: 3 });
});

test("the table names every row and its baseline", () => {
  const rows = [
    summarise({ name: "wait", unit: "ms", baselineName: "raw evaluate" }, [{ ours: 123.4, baseline: 61.7 }]),
  ];
  expect(formatTable(rows)).toContain("wait     123   61.7      2.00             ms    raw evaluate  1");
});
