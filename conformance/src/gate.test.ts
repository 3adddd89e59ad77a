import { expect, test } from "vitest";
import type { BaselineEntry } from "./baseline.ts";
import type { Check } from "./check.ts";
import type { FailOn } from "./exit-code.ts";
import { type GateOptions, gateArea, gateRun } from "./gate.ts";
import { accountFor, accountForUntried, type CheckResult, type Outcome, OUTCOMES } from "./outcome.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

/** @param results by the last part of their id */
function endedAs(results: Readonly<Record<string, Outcome>>, overrides: Partial<Check> = {}): CheckResult[] {
  return Object.entries(results).map(([name, outcome]) =>
    accountFor(sampleCheck({ id: `chat.${name}`, ...overrides }), outcome, outcome === "pass" ? "" : "because"),
  );
}

function gate(
  results: readonly CheckResult[],
  names: readonly string[] | null,
  options: Partial<GateOptions> & { readonly entry?: Partial<BaselineEntry> } = {},
) {
  const { entry, ...rest } = options;
  const entries = (names ?? []).map((name, index): [string, BaselineEntry] => [
    `chat.${name}`,
    { id: `chat.${name}`, reason: "r", issue: null, expires: null, flaky: null, line: index + 1, ...entry },
  ]);
  return gateRun(results, {
    failOn: "must",
    isInterrupted: false,
    unidentified: null,
    baseline: names === null ? null : { file: "b.yaml", entries: new Map(entries) },
    updatesBaseline: false,
    reportOnly: false,
    ids: [...results.map(({ check }) => check.id), "chat.unselected"],
    today: "2026-11-30",
    redact: (text) => text,
    ...rest,
  });
}

test("failures that the baseline expects are exit code 0, and the target is still not conformant", () => {
  const gated = gate(endedAs({ a: "pass", b: "fail", c: "fail" }), ["b", "c"]);
  expect(gated).toMatchObject({ exitCode: 0, verdict: "non-conformant", baselineStanding: "as-expected" });
  expect(gated.explanation).toBe("1 check passed, and 2 failed as the baseline expects.");
  expect(gated.baseline).toMatchObject({ expected: 2, problems: [], update: null });
});

test("a failure that the baseline does not expect is exit code 1", () => {
  const gated = gate(endedAs({ a: "pass", b: "fail", c: "fail" }), ["b"]);
  expect(gated).toMatchObject({ exitCode: 1, baselineStanding: null });
  expect(gated.explanation).toBe("1 must check failed. 1 failed as the baseline expects.");
});

test.each([
  ["a pass", endedAs({ a: "pass", b: "pass" }), ["b"], "chat.b: It passes now."],
  ["an unknown id", endedAs({ a: "pass" }), ["gone"], "chat.gone: No check has this id."],
  ["a check that was not judged", endedAs({ a: "pass", b: "not-testable" }), ["b"], "chat.b: It was not judged"],
] as const)("an entry for %s is exit code 1, and named", (_, results, names, message) => {
  const gated = gate(results, names);
  expect(gated).toMatchObject({ exitCode: 1, verdict: "conformant", baselineStanding: "baseline-stale" });
  expect(gated.explanation).toContain(`1 entry of the baseline is wrong: ${message}`);
});

test("an expired entry expects nothing", () => {
  const gated = gate(endedAs({ a: "pass", b: "fail" }), ["b"], { entry: { expires: "2026-11-29" } });
  expect(gated).toMatchObject({ exitCode: 1, baselineStanding: null, baseline: { expected: 0 } });
  expect(gated.explanation).toContain("expired after 2026-11-29");
});

test("an inconclusive check neither confirms nor refutes its entry, and proves no more than without one", () => {
  const results = endedAs({ a: "pass", b: "inconclusive" });
  expect(gate(results, ["b"])).toMatchObject({ exitCode: 0, baselineStanding: null, baseline: { problems: [] } });
  const late = results.map((result) => ({ ...result, inconclusiveCause: "timeout" as const }));
  expect(gate(late, ["b"]).exitCode).toBe(3);
});

test("an entry for what was not selected or is disabled is not stale", () => {
  expect(gate(endedAs({ a: "pass" }), ["unselected"]).exitCode).toBe(0);
  expect(gate(endedAs({ a: "pass", b: "disabled" }), ["b"]).exitCode).toBe(0);
});

test("an area in which all fails as expected leaves no gap", () => {
  expect(gate(endedAs({ b: "fail" }), ["b"])).toMatchObject({ exitCode: 0, baselineStanding: "as-expected" });
});

test.each([
  ["must", null, 0],
  ["should", null, 1],
  ["must", ["b"], 0],
  ["should", ["b"], 0],
] as const)("with --fail-on %s and the baseline %j a should that is not met is exit code %i", (failOn, names, code) => {
  const results = [...endedAs({ a: "pass" }), ...endedAs({ b: "warn" }, { level: "should" })];
  expect(gate(results, names, { failOn }).exitCode).toBe(code);
});

test("a should that is met again makes its entry stale, whatever fails a run", () => {
  for (const failOn of ["must", "should"] satisfies FailOn[]) {
    const results = [...endedAs({ a: "pass" }), ...endedAs({ b: "pass" }, { level: "should" })];
    expect(gate(results, ["b"], { failOn }).exitCode).toBe(1);
  }
});

test.each([
  ["a defect of the suite", endedAs({ a: "pass", b: "fail", c: "harness-error" }), {}, 4],
  ["a target that was not identified", endedAs({ a: "inconclusive" }), { unidentified: "It is something else." }, 3],
  ["a run without a judged check", endedAs({ a: "inconclusive" }), {}, 3],
  [
    "an interrupted run",
    [...endedAs({ b: "fail" }), accountForUntried(sampleCheck(), "stopped")],
    { isInterrupted: true },
    130,
  ],
] as const)(
  "%s stays what it is with a baseline, with --update-baseline and with --report-only",
  (_, results, given, code) => {
    for (const more of [
      {},
      { updatesBaseline: true },
      { reportOnly: true },
      { updatesBaseline: true, reportOnly: true },
    ]) {
      const gated = gate(results, ["b", "gone"], { ...given, ...more });
      expect(gated).toMatchObject({ exitCode: code, update: null, baseline: { update: null } });
    }
  },
);

test("--report-only turns exit code 1 into 0 and nothing else, and keeps the verdict", () => {
  const failed = gate(endedAs({ a: "pass", b: "fail" }), null, { reportOnly: true });
  expect(failed).toMatchObject({ exitCode: 0, verdict: "non-conformant", baselineStanding: null });
  expect(gate(endedAs({ a: "pass" }), ["a"], { reportOnly: true })).toMatchObject({
    exitCode: 0,
    baselineStanding: "baseline-stale",
  });
});

test("of a target that was not identified, no entry is said to be wrong", () => {
  const untried = [accountForUntried(sampleCheck({ id: "chat.a" }), "it was not identified")];
  const gated = gate(untried, ["a", "gone"], {
    unidentified: "It is something else.",
    entry: { expires: "2020-01-01" },
  });
  expect(gated).toMatchObject({ exitCode: 3, explanation: "It is something else.", baseline: { problems: [] } });
});

test("an updated baseline fits the run that it was made of", () => {
  const results = endedAs({ a: "pass", b: "fail", c: "pass" });
  const gated = gate(results, ["c", "gone", "unselected"], { updatesBaseline: true });
  expect(gated).toMatchObject({
    exitCode: 0,
    baselineStanding: "as-expected",
    baseline: { expected: 1, problems: [], update: { written: ["chat.b"], removed: ["chat.c", "chat.gone"] } },
  });
});

test("an update does not extend an entry that expired", () => {
  const gated = gate(endedAs({ a: "pass", b: "fail" }), ["b"], {
    updatesBaseline: true,
    entry: { expires: "2026-11-29" },
  });
  expect(gated).toMatchObject({ exitCode: 1, update: { written: [], removed: [] } });
});

test("an area says how many of its failures are expected", () => {
  const results = endedAs({ a: "pass", b: "fail" });
  const { expectations } = gate(results, ["b"]);
  expect(gateArea(results, { expectations, failOn: "must" })).toEqual({
    verdict: "non-conformant",
    baselineStanding: "as-expected",
    expected: 1,
  });
});

test("a check that is newer than the profile decides nothing, whatever becomes of it", () => {
  const unscored = new Set(["chat.new"]);
  const known = endedAs({ a: "pass" });
  for (const outcome of OUTCOMES) {
    const results = [...known, ...endedAs({ new: outcome })];
    expect(gate(results, null, { unscored })).toMatchObject({ exitCode: 0, verdict: "conformant" });
    expect(gate(results, [], { unscored, updatesBaseline: true }).update?.written).toEqual([]);
    expect(gateArea(results, { expectations: new Map(), failOn: "must", unscored }).verdict).toBe("conformant");
  }
  expect(gate(endedAs({ new: "pass" }), null, { unscored }).exitCode).toBe(3);
});
