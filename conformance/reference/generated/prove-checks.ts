/**
 * Which of the table checks notice nothing. A fault is judged until one check objects, so that a check which is asked
 * late finds none of its own: each of them is tried alone, on the faults that fewest other checks could see.
 */

import { checks } from "../../checks/index.ts";
import type { Check } from "../../src/check.ts";
import { isTableCheck } from "../kill-matrix.ts";
import type { Fault } from "./fault.ts";
import { type FaultVerdict, judgeFault } from "./judge-fault.ts";
import type { CheckRanking } from "./rank-checks.ts";

/** So many faults are tried before a check counts as blind. */
const TRIED_MAX = 40;
/** Checks at once: they wait more than they work. */
const CONCURRENCY = 8;

export interface Proof {
  readonly faults: readonly Fault[];
  readonly verdicts: readonly FaultVerdict[];
  readonly ranking: CheckRanking;
}

/** Ids, in the order of the suite. */
export async function listUnkilling({ faults, verdicts, ranking }: Proof): Promise<readonly string[]> {
  const proved = new Set(verdicts.flatMap(({ killed_by: killedBy }) => killedBy));
  const unproved = checks.filter((check) => isTableCheck(check) && !proved.has(check.id));
  const seen = faults.map((fault) => ({ fault, checks: ranking.select(fault) }));
  const unkilling = new Set<string>();
  const queue = unproved.values();
  const work = async (): Promise<void> => {
    for (const check of queue) {
      const own = seen.filter((one) => one.checks.includes(check.id));
      const rarest = own.toSorted((one, other) => one.checks.length - other.checks.length).map(({ fault }) => fault);
      if (!(await killsAny(check, rarest.slice(0, TRIED_MAX)))) unkilling.add(check.id);
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, work));
  return unproved.map(({ id }) => id).filter((id) => unkilling.has(id));
}

async function killsAny(check: Check, faults: readonly Fault[]): Promise<boolean> {
  for (const fault of faults) {
    const { killed_by: killedBy } = await judgeFault(fault, [check]);
    if (killedBy.length > 0) return true;
  }
  return false;
}
