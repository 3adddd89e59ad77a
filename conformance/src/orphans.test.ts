import { expect, test } from "vitest";
import { allChecks } from "./all-checks.ts";
import { decideVerdict } from "./exit-code.ts";
import { Inconclusive } from "./outcome-signals.ts";
import { accountFor, type CheckResult, type Outcome, resolveResult } from "./outcome.ts";
import { defineOwners, Owners } from "./owners.ts";
import { markOrphans } from "./orphans.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

function ended(id: string, outcome: Outcome): CheckResult {
  return accountFor(sampleCheck({ id }), outcome, "a reason");
}

function aside(id: string, [first, ...others]: readonly [string, ...string[]], level: "must" | "may" = "must") {
  const thrown = new Inconclusive("a precondition", defineOwners(first, ...others));
  return resolveResult(sampleCheck({ id, level }), { passed: false, thrown, durationMs: 1, exchanges: [] });
}

const orphans = (...results: readonly CheckResult[]): readonly string[] =>
  markOrphans(results).flatMap(({ check, isOrphan }) => (isOrphan ? [check.id] : []));

test("each owner is a check of the suite, and one that can object", () => {
  const levels = new Map(allChecks.map(({ id, level, tier }) => [id, tier === "model" ? "model" : level]));
  const declared = Owners.listDeclared().filter((id) => !id.startsWith("sample."));
  expect(declared.length).toBeGreaterThan(100);
  expect(declared.filter((id) => !["must", "should"].includes(levels.get(id) ?? "none"))).toEqual([]);
});

test("a check that steps aside is an orphan when each of its owners passed", () => {
  expect(orphans(aside("sample.a", ["sample.b", "sample.c"]), ended("sample.b", "pass"), ended("sample.c", "pass"))) //
    .toEqual(["sample.a"]);
});

test.each(["fail", "warn", "unsupported", "not-testable", "disabled", "harness-error"] as const)(
  "an owner that ended as %s accounts for it",
  (outcome) => {
    const owners = [ended("sample.b", outcome), ended("sample.c", "pass")];
    expect(orphans(aside("sample.a", ["sample.b", "sample.c"]), ...owners)).toEqual([]);
  },
);

test("an owner that was not selected leaves the question open", () => {
  expect(orphans(aside("sample.a", ["sample.b"]))).toEqual([]);
});

test("an owner that stepped aside itself passes the question on", () => {
  const chain = [aside("sample.a", ["sample.b"]), aside("sample.b", ["sample.c"])];
  expect(orphans(...chain, ended("sample.c", "fail"))).toEqual([]);
  expect(orphans(...chain, ended("sample.c", "pass"))).toEqual(["sample.a", "sample.b"]);
});

test("owners that wait for one another account for nothing", () => {
  expect(orphans(aside("sample.a", ["sample.b"]), aside("sample.b", ["sample.a"]))).toEqual(["sample.a", "sample.b"]);
});

test("a check that may be left undone, and one that the model is to blame for, are no orphans", () => {
  const model = resolveResult(sampleCheck({ id: "sample.c" }), {
    passed: false,
    thrown: new Inconclusive("it wrote nothing", "model"),
    durationMs: 1,
    exchanges: [],
  });
  expect(orphans(aside("sample.a", ["sample.b"], "may"), ended("sample.b", "pass"), model)).toEqual([]);
});

test("a run with an orphan proves nothing, and names it with its owners", () => {
  const results = markOrphans([
    ended("sample.b", "pass"),
    ended("sample.c", "pass"),
    aside("sample.a", ["sample.b", "sample.c"]),
  ]);
  const { exitCode, explanation } = decideVerdict(results, "must", null);
  expect(exitCode).toBe(3);
  expect(explanation).toContain("sample.a");
  expect(explanation).toContain("sample.b, sample.c");
  expect(decideVerdict([...results, ended("sample.d", "fail")], "must", null).exitCode).toBe(1);
});
