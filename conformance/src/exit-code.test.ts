import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import { decideVerdict } from "./exit-code.ts";
import { accountFor, type CheckResult, type Outcome } from "./outcome.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

function result(outcome: Outcome, overrides: Partial<Check> = {}): CheckResult {
  return accountFor(sampleCheck(overrides), outcome, "a reason");
}

const exitCode = (results: readonly CheckResult[]): number => decideVerdict(results, "must", null).exitCode;

test("passes without a failure conform", () => {
  expect(exitCode([result("pass"), result("unsupported"), result("not-testable")])).toBe(0);
});

test("one failed must check fails the run, whatever else happened", () => {
  expect(exitCode([result("pass"), result("fail"), result("harness-error")])).toBe(1);
});

test("a warned should check fails the run only when asked for", () => {
  const results = [result("pass"), result("warn", { level: "should" })];
  expect(decideVerdict(results, "must", null).exitCode).toBe(0);
  expect(decideVerdict(results, "should", null).exitCode).toBe(1);
});

test("a may check never fails a run", () => {
  expect(decideVerdict([result("pass"), result("warn", { level: "may" })], "should", null).exitCode).toBe(0);
});

test("a defect of the suite is not the target's", () => {
  expect(exitCode([result("pass"), result("harness-error")])).toBe(4);
});

test.each(["unsupported", "not-testable", "inconclusive", "disabled"] as const)(
  "nothing but %s proves nothing",
  (outcome) => {
    expect(exitCode([result(outcome)])).toBe(3);
  },
);

test("an empty run proves nothing", () => {
  expect(exitCode([])).toBe(3);
});

test("an area in which no must check passed is not proved by the others", () => {
  const decision = decideVerdict([result("pass"), result("not-testable", { area: "errors" })], "must", null);
  expect(decision).toMatchObject({ verdict: "unproved", exitCode: 3 });
  expect(decision.explanation).toContain("errors");
});

test("an area that nobody prepared anything for is not missed, and one where something could be tried is", () => {
  const area = "billing";
  expect(exitCode([result("pass"), result("not-testable", { area })])).toBe(0);
  expect(exitCode([result("pass"), result("not-testable", { area }), result("inconclusive", { area })])).toBe(3);
});

test("checks that need a model's ability are not missed when none of them passed", () => {
  expect(exitCode([result("pass"), result("inconclusive", { area: "sse", tier: "model" })])).toBe(0);
});

test("a must check without an answer in time keeps the run from conforming", () => {
  const late: CheckResult = { ...result("inconclusive"), inconclusiveCause: "timeout" };
  expect(exitCode([result("pass"), late])).toBe(3);
});

test("an unidentified target proves nothing", () => {
  expect(decideVerdict([result("pass")], "must", "It is something else.")).toMatchObject({ exitCode: 3 });
});
