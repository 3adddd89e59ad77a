/**
 * Chooses the base URL of a call: the one with the fewest running calls among those whose circuit allows it, ties in
 * rotation. It opens no connection.
 */

import type { UpstreamStatus } from "@openai-compat/core";
import type { CallOutcome, CircuitBreaker } from "./circuit-breaker.ts";

export interface TargetLease<Target> {
  readonly target: Target;
  /** A successful answer has begun. */
  markResponseStarted(): void;
  /** The call is over. Call it exactly once. */
  end(outcome: CallOutcome): void;
}

export interface UpstreamTargets<Target> {
  /** @returns null when no target outside `tried` allows a call */
  lease(tried: ReadonlySet<Target>): TargetLease<Target> | null;
  /** Milliseconds until the first circuit allows a call again. */
  waitMs(): number;
  status(): readonly UpstreamStatus[];
}

interface Entry<Target> {
  readonly target: Target;
  readonly breaker: CircuitBreaker;
  running: number;
  failures: number;
  failovers: number;
}

export function createUpstreamTargets<Target>(
  targets: readonly Target[],
  createBreaker: () => CircuitBreaker,
): UpstreamTargets<Target> {
  const entries = targets.map((target): Entry<Target> => ({
    target,
    breaker: createBreaker(),
    running: 0,
    failures: 0,
    failovers: 0,
  }));
  let turn = 0;

  /** Least loaded first; ties in an order that rotates with each call. */
  function inOrder(): Entry<Target>[] {
    if (entries.length === 1) return entries;
    turn = (turn + 1) % entries.length;
    return [...entries.slice(turn), ...entries.slice(0, turn)].sort((left, right) => left.running - right.running);
  }

  return {
    lease(tried) {
      for (const entry of inOrder()) {
        const pass = tried.has(entry.target) ? null : entry.breaker.enter();
        if (pass === null) continue;
        entry.running += 1;
        if (tried.size > 0) entry.failovers += 1;
        return {
          target: entry.target,
          markResponseStarted: () => pass.markResponseStarted(),
          end(outcome) {
            entry.running -= 1;
            if (outcome === "broken") entry.failures += 1;
            pass.end(outcome);
          },
        };
      }
      return null;
    },
    waitMs: () => Math.min(...entries.map((entry) => entry.breaker.waitMs())),
    status: () =>
      entries.map(({ breaker, running, failures, failovers }, index) => {
        return { index, state: breaker.state(), running, failures, failovers };
      }),
  };
}
