/** What several reporters say in the same words, and how they group failures. Knows no output format. */

import { isFailure } from "../expectation.ts";
import type { Verdict } from "../exit-code.ts";
import type { BaselineStanding } from "../gate.ts";
import type { AreaReport, ReportedCheck, RunReport } from "../report.ts";

/** What a report says first: the verdict, or what a baseline makes of it. */
export type Standing = Verdict | NonNullable<BaselineStanding>;

export function resolveStanding({ verdict, baselineStanding }: RunReport | AreaReport): Standing {
  return baselineStanding ?? verdict;
}

export const VERDICT_TEXTS: Readonly<Record<Standing, string>> = {
  conformant: "conformant",
  "non-conformant": "not conformant",
  unproved: "not proved",
  "harness-error": "harness error",
  "as-expected": "as expected",
  "baseline-stale": "baseline stale",
};

export const VERDICT_MARKS: Readonly<Record<Standing, string>> = {
  conformant: "✓",
  "non-conformant": "✗",
  unproved: "?",
  "harness-error": "!",
  "as-expected": "✓",
  "baseline-stale": "✗",
};

/** Failed checks that show the same: one at least. */
export type CauseGroup = readonly [ReportedCheck, ...ReportedCheck[]];

/** What was expected and what came instead are one cause, however many operations show it. */
export function groupByCause(checks: readonly ReportedCheck[]): readonly CauseGroup[] {
  const groups = new Map<string, [ReportedCheck, ...ReportedCheck[]]>();
  for (const check of checks) {
    const { outcome, observer, expected, actual, reason } = check;
    const cause = JSON.stringify([outcome, observer, expected, actual ?? reason]);
    const group = groups.get(cause);
    if (group === undefined) groups.set(cause, [check]);
    else group.push(check);
  }
  return [...groups.values()];
}

/** Whether a check failed, and the run is no worse for it: as the baseline expects, or newer than the profile. */
export function isExpected({ expectation, outcome, isScored }: ReportedCheck): boolean {
  return isFailure(outcome) && (expectation?.state === "expected" || !isScored);
}

/** Failed musts, then failed shoulds and mays; without those that a baseline expects. */
export function selectFailures(checks: readonly ReportedCheck[]): readonly ReportedCheck[] {
  const failures = checks.filter((check) => isFailure(check.outcome) && !isExpected(check));
  return [
    ...failures.filter(({ outcome }) => outcome === "fail"),
    ...failures.filter(({ outcome }) => outcome === "warn"),
  ];
}

/**
 * `expected failure: why (issue; until 2027-01-31)`, or why the check does not count; null for any other check that
 * failed, and for one that did not.
 */
export function describeExpected(check: ReportedCheck): string | null {
  const { expectation } = check;
  if (!isExpected(check)) return null;
  if (expectation?.state !== "expected") return "not scored: the check is newer than the profile";
  const { reason, issue, expires, flaky } = expectation;
  const details = [
    ...(issue === null ? [] : [issue]),
    ...(expires === null ? [] : [`until ${expires}`]),
    ...(flaky === null ? [] : [`flaky: at most ${flaky.failed} of ${flaky.of} tries`]),
  ];
  return `expected failure: ${reason}${details.length === 0 ? "" : ` (${details.join("; ")})`}`;
}

/** `Baseline baseline.yaml: 12 failures as expected, 2 entries wrong. 3 entries written, 1 removed.` Null without one. */
export function describeBaseline({ baseline, exitCode }: RunReport): string | null {
  if (baseline === null) return null;
  const { file, expected, problems, update } = baseline;
  const name = file === null ? "Baseline" : `Baseline ${file}`;
  const wrong = problems.length === 0 ? "" : `, ${problems.length} wrong`;
  const changed =
    update === null ? "" : ` Entries written: ${update.written.length}, removed: ${update.removed.length}.`;
  const entries = `${name}: ${expected} failed as expected${wrong}.${changed}`;
  const kept =
    baseline.wasToUpdate && update === null ? ` The file is as it was: exit code ${exitCode} proves too little.` : "";
  return entries + kept;
}

/** `2 of 3 tries failed`; null where a check failed each time, or was tried once. */
export function describeFlakiness({ tries }: ReportedCheck): string | null {
  return tries !== null && tries.failed < tries.of ? `${tries.failed} of ${tries.of} tries failed` : null;
}

/** Control characters, line separators, and what changes the direction of the text around it. */
const UNPRINTABLE = /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

/** What a target sent must not drive a terminal or a page: such characters are shown as JSON writes them, on one line. */
export function makePrintable(text: string): string {
  return text.replaceAll(UNPRINTABLE, (character) => {
    const code = character.charCodeAt(0);
    return code < 0x20 ? JSON.stringify(character).slice(1, -1) : `\\u${code.toString(16).padStart(4, "0")}`;
  });
}
