/**
 * Runs independent checks at the same time, before all others are run one by one. Of what they find only a pass counts:
 * any other result may be due to the company, and the check is run again alone. A target that limits how much is asked
 * at once, loses connections or is slow is left in peace: then every check that is left runs alone.
 *
 * @see docs/decisions/2026-11-30-independent-checks-run-at-the-same-time.md
 */

import type { Check } from "./check.ts";
import type { Exchange } from "./exchange.ts";
import { isLost, isUnreachable } from "./exchange-recording.ts";
import type { RunLimits } from "./limits.ts";
import type { CheckResult } from "./outcome.ts";
import type { PlannedCheck } from "./plan.ts";

export interface CompanyOptions {
  readonly plan: readonly PlannedCheck[];
  readonly limits: Pick<RunLimits, "concurrency" | "checkTimeoutMs">;
  readonly runSignal: AbortSignal;
  /** Runs the check at this place of the plan once; `signal` ends it before that. */
  readonly run: (index: number, planned: PlannedCheck, signal: AbortSignal) => Promise<CheckResult>;
}

/** An answer that took longer than this share of a check's time limit would take too long in company. */
const SLOW_SHARE = 0.25;

/** Statuses of a server that has too much to do, and of a proxy before one that is gone. */
const BUSY_STATUSES: readonly number[] = [429, 502, 503, 504, 529];

/** @returns what was found, by place in the plan */
export async function runCompany(options: CompanyOptions): Promise<ReadonlyMap<number, CheckResult>> {
  const { plan, limits, runSignal, run } = options;
  const results = new Map<number, CheckResult>();
  if (limits.concurrency <= 1) return results;
  const queue = new KindQueue(plan);
  const disturbed = new AbortController();
  const signal = AbortSignal.any([runSignal, disturbed.signal]);
  let lanes = limits.concurrency;
  const work = async (lane: number): Promise<void> => {
    while (lane < lanes && !signal.aborted) {
      const index = queue.take();
      const planned = index === null ? undefined : plan[index];
      if (index === null || planned === undefined) return;
      const result = await run(index, planned, signal);
      queue.end(index);
      results.set(index, result);
      // The others would be run again anyway.
      if (isDisturbed(result)) disturbed.abort();
      else if (isSlow(result, limits.checkTimeoutMs)) lanes -= 1;
    }
  };
  await Promise.all(Array.from({ length: lanes }, (_, lane) => work(lane)));
  return results;
}

/**
 * Whether it is what the check would find alone: the target lacks something, or broke off with an error of its own. As
 * the first of several tries the latter shows a server that fails now and then.
 */
export function countsAlone({ outcome, exchanges }: CheckResult): boolean {
  if (outcome === "unsupported" || outcome === "not-testable") return true;
  return (outcome === "fail" || outcome === "warn") && exchanges.some(isServerError) && !exchanges.some(isRefused);
}

function isServerError({ response }: Exchange): boolean {
  return response !== null && response.status >= 500;
}

/** Whether the target has to be asked for less at once. */
function isDisturbed({ outcome, inconclusiveCause, exchanges }: CheckResult): boolean {
  if (outcome === "pass") return false;
  return inconclusiveCause === "timeout" || inconclusiveCause === "rate-limited" || exchanges.some(isRefused);
}

function isRefused(exchange: Exchange): boolean {
  return isLost(exchange) || isUnreachable(exchange) || BUSY_STATUSES.includes(exchange.response?.status ?? 0);
}

function isSlow({ exchanges }: CheckResult, checkTimeoutMs: number): boolean {
  return exchanges.some(({ response }) => response !== null && response.endAtMs > SLOW_SHARE * checkTimeoutMs);
}

/** The independent checks that will be run: of the kind of which the fewest are running, the first of the plan. */
class KindQueue {
  readonly #plan: readonly PlannedCheck[];
  readonly #waiting = new Map<string, number[]>();
  readonly #running = new Map<string, number>();

  constructor(plan: readonly PlannedCheck[]) {
    this.#plan = plan;
    for (const [index, { check, skip }] of plan.entries()) {
      if (skip !== null || !isIndependent(check)) continue;
      const kind = kindOf(check);
      this.#waiting.set(kind, [...(this.#waiting.get(kind) ?? []), index]);
    }
  }

  /** @returns the place in the plan; null when none is left */
  take(): number | null {
    const [next] = [...this.#waiting]
      .flatMap(([kind, [index]]) => (index === undefined ? [] : [{ kind, index, running: this.#count(kind) }]))
      .sort((a, b) => a.running - b.running || a.index - b.index);
    if (next === undefined) return null;
    this.#waiting.get(next.kind)?.shift();
    this.#running.set(next.kind, next.running + 1);
    return next.index;
  }

  /** Called when the check at this place has ended. */
  end(index: number): void {
    const check = this.#plan[index]?.check;
    if (check === undefined) return;
    this.#running.set(kindOf(check), this.#count(kindOf(check)) - 1);
  }

  #count(kind: string): number {
    return this.#running.get(kind) ?? 0;
  }
}

function isIndependent({ isIndependent: own, sharesAnswers = false }: Check): boolean {
  return own ?? sharesAnswers;
}

/** Models of different kinds run at the same time; one model's answers wait for each other. */
function kindOf({ needs }: Check): string {
  return needs.find((need) => need.startsWith("model:")) ?? "none";
}
