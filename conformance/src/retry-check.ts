/**
 * Tries a check again that failed, so that what happens now and then is not said of every request: a flaky server is
 * reported as flaky, with how often. A connection that is lost in each try, while a plain request is answered, is the
 * fault of the check's own input.
 */

import type { Exchange } from "./exchange.ts";
import { isLost, isUnreachable } from "./exchange-recording.ts";
import type { RunLimits } from "./limits.ts";
import { Failure } from "./outcome-signals.ts";
import { type CheckResult, FLAKY, resolveResult } from "./outcome.ts";

export interface RetryOptions {
  readonly limits: Pick<RunLimits, "retriesMax" | "retryCheckMsMax">;
  /** Runs the check once more. */
  readonly run: () => Promise<CheckResult>;
  /** Whether a plain request that is like this one is answered. */
  readonly isPlainAnswered: (exchange: Exchange) => Promise<boolean>;
}

/** @returns the result of all tries; the first one's where nothing is learnt from more */
export async function retryCheck(first: CheckResult, options: RetryOptions): Promise<CheckResult> {
  const { limits, run } = options;
  if (limits.retriesMax === 0 || !isWorthRetrying(first) || first.durationMs > limits.retryCheckMsMax) return first;
  const tries = [first];
  while (tries.length <= limits.retriesMax) {
    const next = await run();
    // The server is gone: what did that is another question.
    if (next.exchanges.some(isUnreachable)) return first;
    tries.push(next);
    if (!isBlamed(first) && !isWorthRetrying(next)) return next;
  }
  return isBlamed(first) ? resolveFlaky(first, tries) : resolveLost(first, tries, options);
}

function isSame(indices: readonly number[]): boolean {
  return new Set(indices).size === 1;
}

function isBlamed({ outcome }: CheckResult): boolean {
  return outcome === "fail" || outcome === "warn";
}

/** Failures, and checks that stepped aside for a request that broke rather than was refused. */
function isWorthRetrying(result: CheckResult): boolean {
  if (isBlamed(result)) return true;
  return result.inconclusiveCause === "precondition" && result.exchanges.some(isBroken);
}

function isBroken(exchange: Exchange): boolean {
  return isLost(exchange) || (exchange.response !== null && exchange.response.status >= 500);
}

/** No server may lose connections or answer 5xx now and then; any other failure counts when it is the usual case. */
function resolveFlaky(first: CheckResult, tries: readonly CheckResult[]): CheckResult {
  const failed = tries.filter(isBlamed).length;
  const passed = tries.filter(({ outcome }) => outcome === "pass").length;
  const counts = { failed, of: failed + passed };
  if (passed === 0) {
    const places = tries.map(({ exchanges }) => exchanges.findIndex(isBroken));
    const reason = isSame(places)
      ? first.reason
      : `${FLAKY}each try failed at another of its requests: ${first.reason}`;
    return { ...first, reason, tries: counts };
  }
  const reason = `${FLAKY}${failed} of ${counts.of} tries failed and the same requests passed at other times: ${first.reason}`;
  const isUsual = failed > passed || (first.evidence !== null && isBroken(first.evidence));
  return { ...first, outcome: isUsual ? first.outcome : "warn", reason, tries: counts };
}

async function resolveLost(
  first: CheckResult,
  tries: readonly CheckResult[],
  { isPlainAnswered }: RetryOptions,
): Promise<CheckResult> {
  const lost = first.exchanges.find(isLost);
  if (lost === undefined || !tries.every(({ exchanges }) => exchanges.some(isLost))) return first;
  if (!(await isPlainAnswered(lost))) return first;
  const places = tries.map(({ exchanges }) => exchanges.findIndex(isLost));
  const flaky = isSame(places) ? "" : FLAKY;
  const where = isSame(places) ? "" : ", each time at another of the requests";
  const actual = `${lost.transportError ?? "a lost connection"} in ${tries.length} of ${tries.length} tries${where}, while a plain request is answered`;
  const thrown = new Failure({ observer: "wire", expected: "an answer", actual, exchange: lost });
  const { durationMs, exchanges } = first;
  const result = resolveResult(first.check, { passed: false, thrown, durationMs, exchanges });
  return { ...result, reason: `${flaky}${result.reason}`, tries: { failed: tries.length, of: tries.length } };
}
