/**
 * From the results of a run to its exit code, with a baseline and with `--report-only`. The verdict stays what the server
 * is: an expected failure does not make it conformant. The exit code says whether anything is new.
 */

import type { Baseline } from "./baseline.ts";
import { type Decision, decideInterrupted, decideVerdict, EXIT_CODES, type FailOn, type Verdict } from "./exit-code.ts";
import { type BaselineProblem, type Expectation, type JudgedBaseline, judgeBaseline } from "./expectation.ts";
import type { CheckResult } from "./outcome.ts";
import type { Redact } from "./redact.ts";
import { type BaselineUpdate, computeUpdate } from "./update-baseline.ts";

/**
 * What a baseline makes of a verdict. as-expected: not conformant, and it expects every failure. baseline-stale: nothing
 * failed that it does not expect, but an entry of it is wrong. Null where the verdict stands for itself.
 */
export type BaselineStanding = "as-expected" | "baseline-stale" | null;

/** How a baseline fitted a run. */
export interface BaselineReport {
  readonly file: string | null;
  /** So many checks failed as it expects. */
  readonly expected: number;
  readonly problems: readonly BaselineProblem[];
  /** Whether its file was to be changed (`--update-baseline`). */
  readonly wasToUpdate: boolean;
  /** Ids of the entries that were written and dropped; null when the file was not to be changed, or the run proved too little. */
  readonly update: { readonly written: readonly string[]; readonly removed: readonly string[] } | null;
}

export interface GatedRun extends Decision {
  readonly baselineStanding: BaselineStanding;
  /** By the id of the check. */
  readonly expectations: ReadonlyMap<string, Expectation>;
  readonly baseline: BaselineReport | null;
  /** To be written by the caller; null for none. */
  readonly update: BaselineUpdate | null;
}

export interface GateOptions {
  readonly failOn: FailOn;
  readonly isInterrupted: boolean;
  /** Why the target is no OpenAI-like API; null when it is one. */
  readonly unidentified: string | null;
  readonly baseline: Baseline | null;
  readonly updatesBaseline: boolean;
  readonly reportOnly: boolean;
  /** Ids of checks that are newer than the run's profile. Default: none. */
  readonly unscored?: ReadonlySet<string>;
  /** Every id of the suite. */
  readonly ids: readonly string[];
  /** `YYYY-MM-DD` in UTC. */
  readonly today: string;
  readonly redact: Redact;
}

const NOTHING_EXPECTED: JudgedBaseline = { expectations: new Map(), problems: [] };

export function gateRun(all: readonly CheckResult[], options: GateOptions): GatedRun {
  const results = selectScored(all, options.unscored);
  const { baseline, redact, reportOnly } = options;
  const update = baseline !== null && options.updatesBaseline ? computeUpdate(baseline, { ...options, results }) : null;
  const updated = update === null ? null : gateWith(update.baseline, results, options);
  // A baseline that is made of a run which proved nothing would hide that.
  const isProof = updated !== null && (updated.exitCode === 0 || updated.exitCode === EXIT_CODES["non-conformant"]);
  const gated = isProof ? updated : gateWith(baseline, results, options);
  const taken = isProof ? update : null;
  const isForgiven = reportOnly && gated.exitCode === EXIT_CODES["non-conformant"];
  const { verdict, baselineStanding, explanation, expectations, problems } = gated;
  return {
    verdict,
    baselineStanding,
    explanation,
    expectations,
    exitCode: isForgiven ? 0 : gated.exitCode,
    update: taken,
    baseline:
      baseline === null
        ? null
        : {
            file: baseline.file,
            expected: [...expectations.values()].filter(({ state }) => state === "expected").length,
            problems: problems.map((problem) => ({ ...problem, message: redact(problem.message) })),
            wasToUpdate: options.updatesBaseline,
            update: taken === null ? null : { written: taken.written.map(({ id }) => id), removed: [...taken.removed] },
          },
  };
}

/** What counts. */
function selectScored(results: readonly CheckResult[], unscored: ReadonlySet<string> = new Set()) {
  return results.filter(({ check }) => !unscored.has(check.id));
}

function gateWith(baseline: Baseline | null, results: readonly CheckResult[], options: GateOptions) {
  const { isInterrupted, unidentified } = options;
  const judged = baseline === null ? NOTHING_EXPECTED : judgeBaseline(baseline, { ...options, results });
  // Of a target that was not found, no entry is confirmed or refuted.
  const known = unidentified === null ? judged : { ...judged, problems: [] };
  if (isInterrupted) return { ...decideInterrupted(results), baselineStanding: null, ...known };
  return { ...decideExpected(results, { ...options, ...known }), ...known };
}

interface ExpectedOptions extends JudgedBaseline {
  readonly failOn: FailOn;
  readonly unidentified: string | null;
}

function decideExpected(
  results: readonly CheckResult[],
  { expectations, problems, failOn, unidentified }: ExpectedOptions,
): Decision & { readonly baselineStanding: BaselineStanding } {
  const isExpected = (result: CheckResult): boolean => expectations.get(result.check.id)?.state === "expected";
  const plain = decideVerdict(results, failOn, unidentified);
  // What fails as expected is as well known as what passes: it leaves no gap.
  const rest = decideVerdict(
    results.map((result) => (isExpected(result) ? { ...result, outcome: "pass" as const } : result)),
    failOn,
    unidentified,
  );
  const failures = results.filter((result) => isExpected(result) && result.outcome === "fail").length;
  const also = failures === 0 ? "" : ` ${failures} failed as the baseline expects.`;
  const stale = describeStale(problems);
  if (rest.verdict !== "conformant") {
    const explanation = `${rest.explanation}${also}${stale === null ? "" : ` ${stale}`}`;
    return { ...rest, baselineStanding: null, explanation };
  }
  const isPlain = plain.verdict === "conformant";
  const passed = results.filter(({ outcome }) => outcome === "pass").length;
  const all = `${count(passed, "check")} passed, and ${results.filter(isExpected).length} failed as the baseline expects.`;
  const explanation = isPlain ? plain.explanation : all;
  if (stale !== null) {
    const exitCode = EXIT_CODES["non-conformant"];
    return { verdict: plain.verdict, baselineStanding: "baseline-stale", exitCode, explanation: stale };
  }
  return { verdict: plain.verdict, baselineStanding: isPlain ? null : "as-expected", exitCode: 0, explanation };
}

function describeStale([first, ...others]: readonly BaselineProblem[]): string | null {
  if (first === undefined) return null;
  const wrong =
    others.length === 0
      ? "1 entry of the baseline is wrong"
      : `${others.length + 1} entries of the baseline are wrong, such as this`;
  return `${wrong}: ${first.id}: ${first.message}`;
}

export interface AreaStanding {
  readonly verdict: Verdict;
  readonly baselineStanding: BaselineStanding;
  /** So many of its checks failed as the baseline expects. */
  readonly expected: number;
}

export interface AreaOptions {
  readonly expectations: GatedRun["expectations"];
  readonly failOn: FailOn;
  readonly unscored?: ReadonlySet<string>;
}

/** @param all results of one area */
export function gateArea(all: readonly CheckResult[], { expectations, failOn, unscored }: AreaOptions): AreaStanding {
  const results = selectScored(all, unscored);
  const { verdict, baselineStanding } = decideExpected(results, {
    expectations,
    failOn,
    problems: [],
    unidentified: null,
  });
  const expected = results.filter(({ check }) => expectations.get(check.id)?.state === "expected").length;
  return { verdict, baselineStanding, expected };
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
