/** Judges one generated fault by the checks that could see it, in the order given, until one objects. */

import type { Check } from "../../src/check.ts";
import type { CheckResult } from "../../src/outcome.ts";
import { planChecks } from "../../src/plan.ts";
import { runChecks } from "../../src/runner.ts";
import { listKillers } from "../judge.ts";
import { startReferenceServer } from "../server.ts";
import { defineReferenceWire } from "../wire.ts";
import type { Fault } from "./fault.ts";

/** A fault, or a variation that is none. */
export type Judgeable = Pick<Fault, "id" | "mutate" | "isRefusal">;

export interface FaultVerdict {
  readonly id: string;
  /** The checks that objected: one at most unless all were run. */
  readonly killed_by: readonly string[];
  /** The checks that could not judge it, each with its outcome. */
  readonly stood_aside: readonly { readonly check: string; readonly outcome: string; readonly reason: string }[];
  /** How many checks were run. */
  readonly runs: number;
}

/** A wire does the same each time: nothing is tried again, and nobody waits for it to come back. */
const LIMITS = {
  patienceFactorMax: 1,
  runTimeoutMs: 900_000,
  concurrency: 1,
  stuckChecksMax: Infinity,
  retriesMax: 0,
  restartWaitMsMax: 0,
  rateLimitWaitMsMax: 0,
};

export interface FaultJudging {
  /** Whether all checks are run, whoever objects. Default false. */
  readonly toTheEnd?: boolean;
  /** Time for a check. Default 20 s. */
  readonly checkTimeoutMs?: number;
}

export async function judgeFault(
  fault: Judgeable,
  checks: readonly Check[],
  { toTheEnd = false, checkTimeoutMs = 20_000 }: FaultJudging = {},
): Promise<FaultVerdict> {
  const wire = defineReferenceWire();
  await using server = await startReferenceServer({ ...wire, ...fault.mutate(wire) });
  const { target } = server;
  const stop = new AbortController();
  const seen: CheckResult[] = [];
  const onResult = (result: CheckResult): void => {
    if (stop.signal.aborted) return;
    seen.push(result);
    if (!toTheEnd && isNoticed(fault, result)) stop.abort();
  };
  const limits = { ...LIMITS, checkTimeoutMs };
  await runChecks({ target, limits, plan: planChecks(checks, target), signal: stop.signal, onResult });
  return {
    id: fault.id,
    killed_by: seen.filter((result) => isNoticed(fault, result)).map(({ check }) => check.id),
    stood_aside: seen
      .filter((result) => result.outcome !== "pass" && !isNoticed(fault, result))
      .map(({ check, outcome, reason }) => ({ check: check.id, outcome, reason: reason.slice(0, 300) })),
    runs: seen.length,
  };
}

function isNoticed(fault: Judgeable, result: CheckResult): boolean {
  return listKillers([result]).length > 0 || (fault.isRefusal === true && result.outcome === "unsupported");
}
