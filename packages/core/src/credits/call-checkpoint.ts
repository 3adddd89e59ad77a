/**
 * What a running call has used so far and what is held for it, as plain data: who has it can have the call paid for when
 * the process that ran it is gone.
 */

import type { CreditStore } from "../store/credit-store.ts";
import type { BilledOperation, UsageUnits } from "../usage.ts";
import type { Prices } from "./prices.ts";
import { isNothing, splitUsage } from "./stretches.ts";
import type { Stretch } from "./stretches.ts";

export interface CallCheckpoint {
  readonly requestId: string;
  readonly operation: BilledOperation;
  readonly modelId: string;
  readonly prices: Prices;
  /** In the order in which they were taken; none for a call that costs nothing. */
  readonly holds: readonly (Readonly<Stretch> & { readonly id: string })[];
  /** Null: nothing was produced, so nothing is paid for. */
  readonly units: UsageUnits | null;
}

/**
 * Charges what stands in the checkpoint and gives the rest back, as the call itself would have done. What it has done
 * already, or what has expired, stays as it is.
 *
 * @throws Error when the store fails: it may be called again
 */
export async function chargeCheckpoint(
  credits: CreditStore,
  { accountId, nowMs }: { readonly accountId: string; readonly nowMs: number },
  { units, holds, prices, requestId, operation, modelId }: CallCheckpoint,
): Promise<void> {
  if (units === null) {
    for (const { id } of holds) await credits.void(id);
    return;
  }
  const record = { accountId, operation, modelId, requestId, nowMs };
  if (holds.length === 0) return credits.recordFree({ ...record, units, amount: 0 });
  const uses = splitUsage(prices, holds, units);
  for (const [index, { id }] of holds.entries()) {
    const use = uses[index];
    // The first one logs the call, whatever it used.
    if (use === undefined || (index > 0 && isNothing(use.units))) await credits.void(id);
    else await credits.settle({ ...record, ...use, holdId: id });
  }
}
