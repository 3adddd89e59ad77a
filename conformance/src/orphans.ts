/**
 * Finds checks that stepped aside for something which nobody objected to. Such a check and its owners looked at the
 * same thing and disagree: either the target answers differently from one request to the next, or the suite has a hole.
 * A run with one proves nothing.
 */

import type { CheckResult } from "./outcome.ts";

/** The same results, those marked whose precondition does not hold although each of its owners passed. */
export function markOrphans(results: readonly CheckResult[]): readonly CheckResult[] {
  const byId = new Map(results.map((result) => [result.check.id, result]));
  return results.map((result) => (isOrphan(result, byId) ? { ...result, isOrphan: true } : result));
}

type ResultsById = ReadonlyMap<string, CheckResult>;

function isOrphan(result: CheckResult, byId: ResultsById): boolean {
  // What may be left undone is no hole.
  return result.check.level !== "may" && isSilent(result) && !isAccounted(result, byId, new Set());
}

function isSilent({ outcome, owners }: CheckResult): boolean {
  return outcome === "inconclusive" && owners.length > 0;
}

/**
 * Whether an owner says why: it objected, was refused the feature, could not be tried, or stepped aside itself for
 * something that is accounted for. Owners that only wait for one another account for nothing.
 */
function isAccounted(result: CheckResult, byId: ResultsById, seen: Set<string>): boolean {
  seen.add(result.check.id);
  return result.owners.some((id) => {
    const owner = byId.get(id);
    // Not selected: nobody asked it.
    if (owner === undefined) return true;
    if (!isSilent(owner)) return owner.outcome !== "pass";
    return !seen.has(id) && isAccounted(owner, byId, seen);
  });
}
