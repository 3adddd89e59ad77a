/**
 * The suite as tests of vitest: one test per check, fed by one run. It imports no test runner: whoever calls it passes
 * vitest, so that the package depends on none and nothing is registered with a second copy.
 */

import { allChecks } from "./all-checks.ts";
import type { Check } from "./check.ts";
import { EXIT_CODES } from "./exit-code.ts";
import { DEFAULT_LIMITS } from "./limits.ts";
import { matchesPattern, refuseUnmatched } from "./plan.ts";
import { findProfile, selectChecks } from "./profiles.ts";
import type { ReportedCheck, RunReport } from "./report.ts";
import { describeExpected } from "./reporters/report-texts.ts";
import { ConfigurationError } from "./resolve-target.ts";
import { type ConformanceOptions, runConformance } from "./run-conformance.ts";

/** What a test gets of vitest. */
export interface ConformanceTestContext {
  /** Ends the test as skipped, with the reason. */
  readonly skip: (note?: string) => never;
}

/** The part of vitest that is used: `import * as vitest from "vitest"` is one. */
export interface ConformanceTestApi {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, body: (context: ConformanceTestContext) => void) => unknown;
  /** Vitest calls the function with the suite, which says which tests are to run. */
  readonly beforeAll: (body: (context: object, suite: unknown) => Promise<void>, timeoutMs?: number) => unknown;
}

/** Where the target is and how it is called: what `runConformance` takes, without what is about the run. */
export type ConformanceTarget = Pick<
  ConformanceOptions,
  "baseUrl" | "apiKey" | "keys" | "models" | "headers" | "fixtures" | "targetFile" | "environment"
>;

export interface DescribeConformanceOptions
  extends
    ConformanceTarget,
    Pick<
      ConformanceOptions,
      "only" | "disable" | "profile" | "checks" | "sdk" | "failOn" | "baseline" | "limits" | "signal"
    > {
  /** The test runner: `import * as vitest from "vitest"`. Default: its globals, where its setting `globals` is on. */
  readonly vitest?: ConformanceTestApi;
  /** Title of the tests' group. Default: "OpenAI API conformance". */
  readonly name?: string;
  /** Called once before the first test, for a target that is not known before, such as a server that the tests start. */
  readonly openTarget?: () => ConformanceTarget | Promise<ConformanceTarget>;
}

const VERDICT_TITLE = "enough was judged for a verdict";
const BASELINE_TITLE = "the baseline fits";
/** For the reports of a run that took all of its time. */
const SPARE_MS = 60_000;

/**
 * Registers a test for each check: it fails where the check fails a run, is skipped with the reason where there is no
 * verdict or a baseline expects the failure, and passes otherwise. Two more tests say whether the run proved anything and
 * whether the baseline fits. The checks run before the first test, and of them those alone that vitest's own filter
 * leaves. A target that is not found fails all.
 *
 * @throws UnmatchedPatternError when a pattern of `only` or `disable` selects no check, ConfigurationError for a name that
 *   is no profile, or where vitest is neither passed nor global
 */
export function describeConformance(options: DescribeConformanceOptions): void {
  const vitest = options.vitest ?? findGlobalApi();
  const { name = "OpenAI API conformance", only = [], disable = [] } = options;
  const all = options.checks ?? allChecks;
  const checks = options.profile === undefined ? all : selectChecks(findProfile(options.profile), all);
  refuseUnmatched([...only, ...disable], checks);
  const selected = checks.filter(({ id }) => only.length === 0 || only.some((pattern) => matchesPattern(id, pattern)));
  const ids = new Map(selected.map((check) => [titleOf(check), check.id]));
  const runTimeoutMs = options.limits?.runTimeoutMs ?? DEFAULT_LIMITS.runTimeoutMs;
  let report: RunReport | null = null;
  const readRun = (): RunReport => {
    if (report === null) throw new Error("The checks did not run: see the error of the group's hook.");
    return report;
  };

  vitest.describe(name, () => {
    // Vitest reads the source of a hook, and takes the names in the pattern for fixtures: there are none.
    // oxlint-disable-next-line no-empty-pattern -- it is what vitest demands
    vitest.beforeAll(async ({}, suite) => {
      report = await runSelected(options, selectIds(ids, suite));
      if (report.ending === "unidentified") throw new ConformanceFailure(report.explanation);
    }, runTimeoutMs + SPARE_MS);
    for (const [title, id] of ids) {
      vitest.test(title, (context) => {
        const check = readRun().checks.find((candidate) => candidate.id === id);
        if (check === undefined) throw new Error(`The run left ${id} out.`);
        settleTest(check, { context, failOn: options.failOn ?? "must" });
      });
    }
    vitest.test(VERDICT_TITLE, () => {
      const { verdict, exitCode, explanation } = readRun();
      if (exitCode !== EXIT_CODES.conformant && exitCode !== EXIT_CODES["non-conformant"]) {
        throw new ConformanceFailure(`${verdict}: ${explanation}`);
      }
    });
    if (options.baseline === undefined) return;
    vitest.test(BASELINE_TITLE, () => {
      const problems = readRun().baseline?.problems ?? [];
      if (problems.length > 0)
        throw new ConformanceFailure(problems.map(({ id, message }) => `${id}: ${message}`).join("\n"));
    });
  });
}

/** @throws ConfigurationError where vitest is not global */
function findGlobalApi(): ConformanceTestApi {
  const api: object = globalThis;
  if (isTestApi(api)) return api;
  throw new ConfigurationError(
    'Pass vitest to describeConformance: { vitest }, with import * as vitest from "vitest".',
  );
}

function isTestApi(api: object): api is ConformanceTestApi {
  return ["describe", "test", "beforeAll"].every((name) => typeof Reflect.get(api, name) === "function");
}

/** A requirement that is not met; the message has all that there is to act on. */
class ConformanceFailure extends Error {
  override readonly name = "ConformanceFailure";
}

function titleOf({ id, level, requirement }: Check): string {
  return `${id} (${level}): ${requirement}`;
}

async function runSelected(options: DescribeConformanceOptions, ids: readonly string[] | null): Promise<RunReport> {
  const { vitest: _, name: __, openTarget, ...rest } = options;
  const target = (await openTarget?.()) ?? {};
  return runConformance({ ...rest, ...target, ...(ids === null ? {} : { only: ids }) });
}

/** @returns the ids that vitest's filter leaves; null where it leaves all, or does not say */
function selectIds(ids: ReadonlyMap<string, string>, suite: unknown): readonly string[] | null {
  if (!hasTasks(suite)) return null;
  const left = suite.tasks.flatMap(({ name, mode }) => {
    const id = ids.get(name);
    return id === undefined || mode === "skip" ? [] : [id];
  });
  return left.length === 0 || left.length === ids.size ? null : left;
}

interface Suite {
  readonly tasks: readonly { readonly name: string; readonly mode: string }[];
}

/** An older vitest passes no suite as its hook's second argument. */
function hasTasks(value: unknown): value is Suite {
  return typeof value === "object" && value !== null && "tasks" in value && Array.isArray(value.tasks);
}

interface SettleOptions {
  readonly context: ConformanceTestContext;
  readonly failOn: NonNullable<ConformanceOptions["failOn"]>;
}

function settleTest(check: ReportedCheck, { context, failOn }: SettleOptions): void {
  const expected = describeExpected(check);
  if (expected !== null) return context.skip(expected);
  const { outcome, level, reason } = check;
  switch (outcome) {
    case "pass":
      return undefined;
    case "warn":
      if (failOn === "should" && level === "should") throw new ConformanceFailure(describeFailure(check));
      return undefined;
    case "fail":
    case "harness-error":
      throw new ConformanceFailure(describeFailure(check));
    case "unsupported":
    case "not-testable":
    case "inconclusive":
    case "disabled":
      return context.skip(`${outcome}: ${reason}`);
    default:
      return outcome satisfies never;
  }
}

function describeFailure(check: ReportedCheck): string {
  const { requirement, observer, expected, actual, reason, reference, breaks, curl } = check;
  const rows = { observer, expected, got: actual ?? reason, reference, breaks, reproduce: curl };
  return [requirement, ...Object.entries(rows).map(([name, value]) => `  ${name.padEnd(9)}  ${value ?? "-"}`)].join(
    "\n",
  );
}
