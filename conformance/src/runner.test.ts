import { expect, test } from "vitest";
import type { Check } from "./check.ts";
import { Failure, Inconclusive, NotTestable, Unsupported } from "./outcome-signals.ts";
import type { CheckResult } from "./outcome.ts";
import { planChecks } from "./plan.ts";
import { runChecks, type RunChecksOptions } from "./runner.ts";
import { sampleCheck } from "./sample-check.fixture.ts";

const TARGET = { baseUrl: "http://127.0.0.1:1/v1", keys: {}, models: {} };
const FAILURE = new Failure({ observer: "schema", expected: "a", actual: undefined });

function check(id: string, run: Check["run"], overrides: Partial<Check> = {}): Check {
  return sampleCheck({ id, run, ...overrides });
}

const throwing = (id: string, thrown: Error, overrides?: Partial<Check>): Check =>
  check(id, () => Promise.reject(thrown), overrides);
const hanging = (id: string): Check => check(id, () => new Promise(() => {}));
const passing = (id: string): Check => check(id, () => Promise.resolve());

function runAll(checks: readonly Check[], options: Partial<RunChecksOptions> = {}): Promise<readonly CheckResult[]> {
  return runChecks({ target: TARGET, plan: planChecks(checks, TARGET), ...options });
}

test.each([
  ["fail", throwing("a", FAILURE)],
  ["warn", throwing("a", FAILURE, { level: "should" })],
  ["warn", throwing("a", FAILURE, { level: "may" })],
  ["fail", throwing("a", FAILURE, { tier: "forced" })],
  ["inconclusive", throwing("a", FAILURE, { tier: "model" })],
  ["inconclusive", throwing("a", new Inconclusive("x", "model"))],
  ["unsupported", throwing("a", new Unsupported("x"))],
  ["not-testable", throwing("a", new NotTestable("x"))],
  ["harness-error", throwing("a", new TypeError("x"))],
  ["not-testable", check("a", () => Promise.resolve(), { needs: ["key:expired"] })],
  ["pass", passing("a")],
] as const)("the outcome is %s", async (outcome, subject) => {
  const [result] = await runAll([subject]);
  expect(result?.outcome).toBe(outcome);
  expect(result?.reason === "").toBe(outcome === "pass");
});

test("a failure keeps who objected and what was expected", async () => {
  const [result] = await runAll([throwing("a", FAILURE)]);
  expect(result).toMatchObject({ observer: "schema", expected: "a", actual: "nothing" });
});

test("a check that throws before its first await is a defect of the suite, not a crash of the run", async () => {
  const broken = check("a", () => {
    throw new RangeError("at once");
  });
  const results = await runAll([broken, passing("b")]);
  expect(results.map(({ outcome }) => outcome)).toEqual(["harness-error", "pass"]);
});

test("a check that does not end is inconclusive at its time limit, and its signal is aborted", async () => {
  let signal: AbortSignal | undefined;
  const slow = check("a", (context) => {
    ({ signal } = context);
    return new Promise(() => {});
  });
  const [result] = await runAll([slow], { limits: { checkTimeoutMs: 20 } });
  expect(result).toMatchObject({ outcome: "inconclusive", inconclusiveCause: "timeout" });
  expect(signal?.aborted).toBe(true);
});

test("after so many checks in a row without an answer the rest is accounted for, not tried", async () => {
  const checks = [hanging("a"), passing("b"), hanging("c"), hanging("d"), passing("e")];
  const results = await runAll(checks, { limits: { checkTimeoutMs: 20, stuckChecksMax: 2 } });
  expect(results.map(({ outcome }) => outcome)).toEqual(["inconclusive", "pass", ...Array(3).fill("inconclusive")]);
  expect(results.at(-1)?.reason).toContain("not tried");
});

test("a stopped run accounts for every check at once", async () => {
  const controller = new AbortController();
  const stopping = check("b", () => {
    controller.abort();
    return new Promise(() => {});
  });
  const results = await runAll([passing("a"), stopping, passing("c")], { signal: controller.signal });
  expect(results.map(({ outcome }) => outcome)).toEqual(["pass", "inconclusive", "inconclusive"]);
});
