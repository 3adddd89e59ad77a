/**
 * What a baseline expects of a check, compared with how the check ended. The only place that decides whether a failure
 * is an expected one, and what is wrong with an entry.
 */

import type { Baseline, BaselineEntry } from "./baseline.ts";
import { findClosestName } from "./closest-name.ts";
import type { CheckResult, Outcome } from "./outcome.ts";

/**
 * - expected: it failed, and the entry says so.
 * - unconfirmed: it got no verdict, or is flaky and passed; nothing speaks against the entry.
 * - passes, not-judged, expired, exceeded: the entry is wrong, and the run red. exceeded: it failed more often than
 *   `flaky` allows.
 */
export const EXPECTATION_STATES = ["expected", "unconfirmed", "passes", "not-judged", "expired", "exceeded"] as const;
export type ExpectationState = (typeof EXPECTATION_STATES)[number];

export interface Expectation extends Omit<BaselineEntry, "id" | "line"> {
  readonly state: ExpectationState;
}

/** unknown: the suite has no such check. The others: see `ExpectationState`. */
export const BASELINE_PROBLEMS = ["unknown", "passes", "not-judged", "expired", "exceeded"] as const;

/** An entry that no longer fits, and what to do about it. */
export interface BaselineProblem {
  readonly id: string;
  readonly kind: (typeof BASELINE_PROBLEMS)[number];
  /** Of the entry in the file, from 1; null where it is in none. */
  readonly line: number | null;
  /** What is wrong, and what to do. */
  readonly message: string;
}

/** What counts of a result. */
type Ended = Pick<CheckResult, "outcome" | "reason" | "tries">;

/** A check that failed whatever its level: what a baseline can expect. */
export function isFailure(outcome: Outcome): boolean {
  return outcome === "fail" || outcome === "warn";
}

/** @param today `YYYY-MM-DD` in UTC */
export function resolveExpectation(entry: BaselineEntry, ended: Ended, today: string): ExpectationState {
  const { outcome } = ended;
  // Left out by configuration, as with `--only`: nobody asked.
  if (outcome === "disabled" || outcome === "harness-error") return "unconfirmed";
  if (outcome === "pass" && entry.flaky === null) return "passes";
  if (entry.expires !== null && entry.expires < today) return "expired";
  if (isFailure(outcome)) return isWithin(entry.flaky, ended.tries) ? "expected" : "exceeded";
  return outcome === "unsupported" || outcome === "not-testable" ? "not-judged" : "unconfirmed";
}

/** Fewer tries than the entry speaks of are compared by number: the others may all pass. More are compared by rate. */
function isWithin(flaky: BaselineEntry["flaky"], tries: CheckResult["tries"]): boolean {
  if (flaky === null || tries === null) return true;
  return tries.of <= flaky.of ? tries.failed <= flaky.failed : tries.failed * flaky.of <= flaky.failed * tries.of;
}

export interface JudgedBaseline {
  /** By the id of the check; of checks that were planned. */
  readonly expectations: ReadonlyMap<string, Expectation>;
  readonly problems: readonly BaselineProblem[];
}

export interface BaselineRun {
  readonly results: readonly CheckResult[];
  /** Every id of the suite: an entry for one that was not selected is not wrong. */
  readonly ids: readonly string[];
  /** `YYYY-MM-DD` in UTC. */
  readonly today: string;
}

/** @returns null for a check that the baseline does not name */
export function findExpectation({ entries }: Baseline, result: CheckResult, today: string): Expectation | null {
  const entry = entries.get(result.check.id);
  if (entry === undefined) return null;
  const { reason, issue, expires, flaky } = entry;
  return { state: resolveExpectation(entry, result, today), reason, issue, expires, flaky };
}

export function judgeBaseline(baseline: Baseline, { results, ids, today }: BaselineRun): JudgedBaseline {
  const byId = new Map(results.map((result) => [result.check.id, result]));
  const known = new Set(ids);
  const expectations = new Map<string, Expectation>();
  const problems: BaselineProblem[] = [];
  for (const [id, entry] of baseline.entries) {
    const { line } = entry;
    const result = byId.get(id);
    const expectation = result === undefined ? null : findExpectation(baseline, result, today);
    if (result === undefined || expectation === null) {
      if (!known.has(id)) problems.push({ id, line, kind: "unknown", message: describeUnknown(id, ids) });
      continue;
    }
    const { state } = expectation;
    expectations.set(id, expectation);
    if (state === "expected" || state === "unconfirmed") continue;
    problems.push({ id, line, kind: state, message: describeProblem(state, entry, result) });
  }
  return { expectations, problems };
}

type WrongState = Exclude<ExpectationState, "expected" | "unconfirmed">;

function describeProblem(state: WrongState, entry: BaselineEntry, { outcome, reason, tries }: Ended): string {
  switch (state) {
    case "passes":
      return "It passes now. Remove its entry, or let --update-baseline do it; `flaky: 1/3` is for one that fails at times.";
    case "not-judged":
      return `It was not judged (${outcome}: ${reason}). Give the run what the check needs, or remove its entry.`;
    case "expired":
      return `Its entry expired after ${entry.expires}. Mend the server, or give the entry a later date.`;
    case "exceeded":
      return (
        `It failed in ${tries?.failed} of ${tries?.of} tries, and its entry allows ${entry.flaky?.failed} of ` +
        `${entry.flaky?.of}. Find out what made it worse, or change \`flaky\`.`
      );
    default:
      return state satisfies never;
  }
}

function describeUnknown(id: string, ids: readonly string[]): string {
  const below = ids.filter((known) => known.startsWith(`${id}.`));
  if (below.length > 0) {
    return `No check has this id; ${below.length} begin with it, such as ${below[0]}. Name each check that fails.`;
  }
  const closest = findClosestName(id, ids);
  const guess = closest === null ? "" : ` Did you mean ${closest}?`;
  return `No check has this id.${guess} Correct or remove its entry; the command \`list\` prints all ids.`;
}
