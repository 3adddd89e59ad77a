import { expect, test } from "vitest";
import type { BaselineEntry } from "./baseline.ts";
import { judgeBaseline, resolveExpectation } from "./expectation.ts";
import { accountFor, type CheckResult, type Outcome, OUTCOMES } from "./outcome.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

const TODAY = "2026-11-30";
const PLAIN: BaselineEntry = { id: "chat.sample", reason: "r", issue: null, expires: null, flaky: null, line: 7 };

const ended = (outcome: Outcome, tries: CheckResult["tries"] = null) => ({ outcome, tries, reason: "because" });

test("each outcome confirms an entry, refutes it, or says nothing about it", () => {
  const states = OUTCOMES.map((outcome) => [outcome, resolveExpectation(PLAIN, ended(outcome), TODAY)]);
  expect(Object.fromEntries(states)).toEqual({
    pass: "passes",
    warn: "expected",
    fail: "expected",
    unsupported: "not-judged",
    "not-testable": "not-judged",
    inconclusive: "unconfirmed",
    "harness-error": "unconfirmed",
    disabled: "unconfirmed",
  });
});

test.each([
  ["2026-11-29", "fail", "expired"],
  ["2026-11-30", "fail", "expected"],
  ["2026-11-29", "inconclusive", "expired"],
  ["2026-11-29", "pass", "passes"],
  ["2026-11-29", "disabled", "unconfirmed"],
] as const)("an entry that expires on %s is, for %s, %s", (expires, outcome, state) => {
  expect(resolveExpectation({ ...PLAIN, expires }, ended(outcome), TODAY)).toBe(state);
});

test.each([
  [1, 3, { failed: 1, of: 3 }, "expected"],
  [1, 3, { failed: 2, of: 3 }, "exceeded"],
  [2, 3, { failed: 3, of: 3 }, "exceeded"],
  [3, 5, { failed: 3, of: 3 }, "expected"],
  [2, 5, { failed: 3, of: 3 }, "exceeded"],
  [1, 2, { failed: 2, of: 3 }, "exceeded"],
  [1, 2, { failed: 1, of: 3 }, "expected"],
  [1, 3, null, "expected"],
] as const)("flaky %i/%i with the tries %j is %4$s", (failed, of, tries, state) => {
  expect(resolveExpectation({ ...PLAIN, flaky: { failed, of } }, ended("fail", tries), TODAY)).toBe(state);
});

test("a flaky check may pass", () => {
  expect(resolveExpectation({ ...PLAIN, flaky: { failed: 1, of: 3 } }, ended("pass"), TODAY)).toBe("unconfirmed");
});

function judge(id: string, outcome: Outcome) {
  const entries = new Map([[id, { ...PLAIN, id }]]);
  const result = accountFor(sampleCheck({ id: "chat.sample" }), outcome, "because");
  const ids = ["chat.sample", "chat.other", "chat.stream.first"];
  return judgeBaseline({ file: null, entries }, { results: [result], ids, today: TODAY }).problems;
}

test.each([
  [
    "chat.sample",
    "pass",
    "passes",
    "It passes now. Remove its entry, or let --update-baseline do it; `flaky: 1/3` is for one that fails at times.",
  ],
  ["chat.sample", "not-testable", "not-judged", "It was not judged (not-testable: because)."],
  ["chat.sampel", "fail", "unknown", "No check has this id. Did you mean chat.sample?"],
  ["__proto__", "fail", "unknown", "No check has this id."],
  ["chat.stream", "fail", "unknown", "1 begin with it, such as chat.stream.first. Name each check that fails."],
] as const)("the entry %s of a check that ends as %s is %s, with what to do", (id, outcome, kind, message) => {
  const [problem, ...others] = judge(id, outcome);
  expect(others).toEqual([]);
  expect(problem).toMatchObject({ id, kind, line: 7 });
  expect(problem?.message).toContain(message);
});

test("an entry for a check that was not selected is no problem", () => {
  expect(judge("chat.other", "fail")).toEqual([]);
});
