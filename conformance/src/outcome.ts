/** How a check ended, and the rules that turn what it threw into that. */

import type { Check } from "./check.ts";
import type { Exchange } from "./exchange.ts";
import { chooseEvidence } from "./evidence.ts";
import { describeThrown } from "./expect.ts";
import {
  Failure,
  Inconclusive,
  type InconclusiveCause,
  NotTestable,
  type Observer,
  Unsupported,
} from "./outcome-signals.ts";

/** Every outcome, in the order in which counts are shown. */
export const OUTCOMES = [
  "pass",
  "warn",
  "fail",
  "unsupported",
  "not-testable",
  "inconclusive",
  "harness-error",
  "disabled",
] as const;

export type Outcome = (typeof OUTCOMES)[number];

export interface CheckResult {
  readonly check: Check;
  readonly outcome: Outcome;
  /** Why it is not a pass; empty for a pass. */
  readonly reason: string;
  readonly observer: Observer | null;
  readonly expected: string | null;
  readonly actual: string | null;
  readonly inconclusiveCause: InconclusiveCause | null;
  /** The checks that judge the precondition for which this one is inconclusive; empty where there is none. */
  readonly owners: readonly string[];
  /** Whether that precondition does not hold although each of its owners passed: see `orphans.ts`. */
  readonly isOrphan: boolean;
  readonly durationMs: number;
  /** All that crossed the wire. Holds credentials: redact before it leaves the process. */
  readonly exchanges: readonly Exchange[];
  /** The exchange that shows the reason; null when none was made. */
  readonly evidence: Exchange | null;
  /** How many of its tries failed; null when it was tried once. */
  readonly tries: { readonly failed: number; readonly of: number } | null;
  /** Whether the server answered until this check, and nothing after it. */
  readonly endedServer: boolean;
}

/** A result without an exchange: the check was not run, or nothing of it is worth keeping. */
export function accountFor(check: Check, outcome: Outcome, reason: string): CheckResult {
  return {
    check,
    outcome,
    reason,
    observer: null,
    expected: null,
    actual: null,
    inconclusiveCause: null,
    owners: [],
    isOrphan: false,
    durationMs: 0,
    exchanges: [],
    evidence: null,
    tries: null,
    endedServer: false,
  };
}

const UNTRIED = "not tried: ";

/** A check that could have run, but the run ended before. */
export function accountForUntried(check: Check, why: string): CheckResult {
  return accountFor(check, "inconclusive", `${UNTRIED}${why}`);
}

export function isUntried(reason: string): boolean {
  return reason.startsWith(UNTRIED);
}

/** How the reason begins of a failure that comes and goes. */
export const FLAKY = "flaky, ";

export interface CheckRun {
  /** False when the check threw. */
  readonly passed: boolean;
  readonly thrown: unknown;
  readonly durationMs: number;
  readonly exchanges: readonly Exchange[];
}

/**
 * A `Failure` is a fail for a must check and a warn for the others; a check whose tier is `model` needs ability, so
 * that its failures say nothing about the server.
 */
export function resolveResult(check: Check, run: CheckRun): CheckResult {
  const { durationMs, exchanges, thrown } = run;
  const measured = { durationMs, exchanges, evidence: exchanges.at(-1) ?? null };
  if (run.passed) return { ...accountFor(check, "pass", ""), ...measured };
  if (thrown instanceof Failure) {
    const { observer, expected, actual, message } = thrown;
    const outcome = failureOutcome(check);
    const inconclusiveCause = outcome === "inconclusive" ? "model" : null;
    const evidence = thrown.exchange ?? chooseEvidence(thrown, exchanges);
    return {
      ...accountFor(check, outcome, message),
      ...measured,
      evidence,
      observer,
      expected,
      actual,
      inconclusiveCause,
    };
  }
  if (thrown instanceof Inconclusive) {
    const { inconclusiveCause, owners } = thrown;
    return { ...accountFor(check, "inconclusive", thrown.message), ...measured, inconclusiveCause, owners };
  }
  if (thrown instanceof Unsupported) return { ...accountFor(check, "unsupported", thrown.message), ...measured };
  if (thrown instanceof NotTestable) return { ...accountFor(check, "not-testable", thrown.message), ...measured };
  return { ...accountFor(check, "harness-error", `the check itself broke: ${describeThrown(thrown)}`), ...measured };
}

function failureOutcome(check: Check): Outcome {
  if (check.tier === "model") return "inconclusive";
  return check.level === "must" ? "fail" : "warn";
}
