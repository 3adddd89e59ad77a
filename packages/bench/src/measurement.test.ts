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

test("a row with a target says whether its ratio meets it, the others say nothing", () => {
  const label = { name: "first token", unit: "ms", baselineName: "cold" };
  const target = { of: "ratio", bound: "≤", value: 0.2 } as const;
  const met = summarise({ ...label, target }, [{ ours: 20, baseline: 100 }]);
  const missed = summarise({ ...label, target }, [{ ours: 21, baseline: 100 }]);
  const unjudged = summarise(label, [{ ours: 20, baseline: 100 }]);
  expect(met).toMatchObject({ target: "ours : baseline ≤ 0.2", meets: true });
  expect(missed).toMatchObject({ meets: false });
  expect(unjudged).not.toHaveProperty("meets");
  const [, first, second, third] = formatTable([met, missed, unjudged]).split("\n");
  expect(first).toMatch(/1 +ours : baseline ≤ 0\.2 +met$/);
  expect(second).toMatch(/ +missed$/);
  expect(third).toMatch(/cold +1$/);
});
