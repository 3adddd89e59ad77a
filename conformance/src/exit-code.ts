/**
 * The verdict of a run and its exit code. A failure that was proven outweighs everything; a run that proved too little
 * is never conformant; nothing here looks at a percentage.
 */

import { AREAS } from "./check.ts";
import type { Area } from "./check.ts";
import { type CheckResult, FLAKY, isUntried, type Outcome } from "./outcome.ts";

/** unproved: nothing wrong was found, but not enough was seen to say that the target conforms. */
export type Verdict = "conformant" | "non-conformant" | "unproved" | "harness-error";

export const EXIT_CODES: Readonly<Record<Verdict, number>> = {
  conformant: 0,
  "non-conformant": 1,
  unproved: 3,
  "harness-error": 4,
};

/** Wrong usage or configuration: nothing was run. */
export const USAGE_EXIT_CODE = 2;

/** The run was interrupted, as a shell says it of SIGINT; whatever was found until then is in the report. */
const INTERRUPTED_EXIT_CODE = 130;

/** Which outcomes make a target non-conformant: failed must checks, or warned should checks as well. */
export type FailOn = "must" | "should";

export interface Decision {
  readonly verdict: Verdict;
  readonly exitCode: number;
  /** One sentence for people. */
  readonly explanation: string;
}

/** @param unidentified why the target is no OpenAI-like API, when the run found that */
export function decideVerdict(results: readonly CheckResult[], failOn: FailOn, unidentified: string | null): Decision {
  const failed = results.filter((result) => result.outcome === "fail").length;
  const ended = results.find(({ endedServer }) => endedServer);
  const stopped = ended === undefined ? "" : `The server stopped answering in ${ended.check.id}. `;
  const flaky = results.filter(({ outcome, reason }) => outcome === "fail" && reason.startsWith(FLAKY));
  const some = flaky.length === 0 ? "" : ` ${flaky.length} of them came and went: the server is flaky.`;
  if (failed > 0) return decide("non-conformant", `${stopped}${count(failed, "must check")} failed.${some}`);
  const warned = results.filter((result) => result.outcome === "warn" && result.check.level === "should").length;
  if (failOn === "should" && warned > 0) {
    return decide("non-conformant", `${count(warned, "should check")} failed, and --fail-on should counts them.`);
  }
  const broken = results.filter((result) => result.outcome === "harness-error").length;
  if (broken > 0) return decide("harness-error", `${count(broken, "check")} broke; that is a defect of the suite.`);
  const gap = unidentified ?? findGap(results);
  if (gap !== null) return decide("unproved", gap);
  const passed = results.filter((result) => result.outcome === "pass").length;
  return decide("conformant", `${count(passed, "check")} passed and no must check failed.`);
}

/** A run that ended before its checks did: what failed is proved, and nothing else. */
export function decideInterrupted(results: readonly CheckResult[]): Decision {
  const ended = results.filter(({ outcome, reason }) => outcome !== "inconclusive" || !isUntried(reason)).length;
  const failed = results.filter(({ outcome }) => outcome === "fail").length;
  const found = failed === 0 ? "no must check failed" : `${count(failed, "must check")} failed`;
  return {
    verdict: failed > 0 ? "non-conformant" : "unproved",
    exitCode: INTERRUPTED_EXIT_CODE,
    explanation: `${ended} of ${count(results.length, "check")} ended; ${found}.`,
  };
}

/** What keeps a run without failures from being a proof; null when nothing does. */
function findGap(results: readonly CheckResult[]): string | null {
  const musts = results.filter(({ check, outcome }) => check.level === "must" && !isLeftOut(check.area, outcome));
  const limited = musts.filter(({ inconclusiveCause }) => inconclusiveCause === "rate-limited");
  const [firstLimited] = limited;
  if (firstLimited !== undefined) {
    return `${count(limited.length, "must check")} met a rate limit, so conformance is not proved: ${firstLimited.reason}`;
  }
  const silent = musts.filter(
    ({ inconclusiveCause }) => inconclusiveCause === "timeout" || inconclusiveCause === "unreachable",
  );
  if (silent.length > 0) {
    return `${count(silent.length, "must check")} got no answer in time (--timeout-ms), so conformance is not proved.`;
  }
  if (!results.some((result) => result.outcome === "pass")) return "No check passed, so nothing is proved.";
  const orphans = results.filter(({ isOrphan }) => isOrphan);
  const [firstOrphan] = orphans;
  if (firstOrphan !== undefined) {
    const { check, owners } = firstOrphan;
    return (
      `${count(orphans.length, "check")} could not be judged for what other checks found in order, so conformance is not ` +
      `proved: ${check.id}, though ${owners.join(", ")} passed.`
    );
  }
  const areas = [...new Set(musts.filter(({ check }) => check.tier !== "model").map(({ check }) => check.area))];
  const unproved = areas.filter((area) => !isProved(area, musts));
  return unproved.length === 0 ? null : `No must check passed in ${unproved.join(", ")}, so conformance is not proved.`;
}

/** Where nothing was asked, nothing is missing. */
function isLeftOut(area: Area, outcome: Outcome): boolean {
  return outcome === "disabled" || (outcome === "not-testable" && AREAS[area].isPrepared);
}

function isProved(area: Area, musts: readonly CheckResult[]): boolean {
  return musts.some(({ check, outcome }) => check.area === area && outcome === "pass");
}

function decide(verdict: Verdict, explanation: string): Decision {
  return { verdict, exitCode: EXIT_CODES[verdict], explanation };
}

function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}
