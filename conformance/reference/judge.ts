/** Runs the suite against one wire of the reference server and says which checks objected. */

import { checks } from "../checks/index.ts";
import type { Check } from "../src/check.ts";
import type { CheckResult } from "../src/outcome.ts";
import { planChecks } from "../src/plan.ts";
import { runChecks } from "../src/runner.ts";
import { startReferenceServer } from "./server.ts";
import type { ReferenceWire } from "./wire.ts";

/** Bounds of one wire's run: a wire that hangs must not hold up the others. */
export interface JudgeLimits {
  readonly checkTimeoutMs: number;
  readonly runTimeoutMs: number;
  readonly concurrency: number;
}

const DEFAULT_JUDGE_LIMITS: JudgeLimits = { checkTimeoutMs: 12_000, runTimeoutMs: 180_000, concurrency: 1 };

/** A wire does the same each time, and what it did to the server is what a check has to say. */
const ONCE = {
  patienceFactorMax: 1,
  stuckChecksMax: Infinity,
  retriesMax: 0,
  restartWaitMsMax: 0,
  rateLimitWaitMsMax: 0,
};

export interface JudgeOptions {
  readonly limits?: JudgeLimits;
  /** All checks unless given. */
  readonly checks?: readonly Check[];
}

/** One result per check. The server lives for this call only. */
export async function judgeWire(wire: ReferenceWire, options: JudgeOptions = {}): Promise<readonly CheckResult[]> {
  await using server = await startReferenceServer(wire);
  const { target } = server;
  const limits = { ...(options.limits ?? DEFAULT_JUDGE_LIMITS), ...ONCE };
  return await runChecks({ target, limits, plan: planChecks(options.checks ?? checks, target) });
}

/** The same in less time: the checks in so many lots of the same size, each with a server of its own. */
export async function judgeInLots(
  wire: ReferenceWire,
  { lots, checks: given = checks, limits }: JudgeOptions & { readonly lots: number },
): Promise<readonly CheckResult[]> {
  const judged = await Promise.all(
    Array.from({ length: lots }, (_, lot) => {
      const own = given.filter((_check, index) => index % lots === lot);
      return judgeWire(wire, { checks: own, ...(limits === undefined ? {} : { limits }) });
    }),
  );
  return judged.flat();
}

/** Ids of the checks that blamed the target, or would have if what they need were not a model's ability. */
export function listKillers(results: readonly CheckResult[]): readonly string[] {
  return results
    .filter(({ outcome, check, observer }) => {
      const isBlamed = outcome === "fail" || outcome === "warn";
      return isBlamed || (check.tier === "model" && observer !== null);
    })
    .map(({ check }) => check.id);
}
