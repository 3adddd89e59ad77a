/**
 * How many slots of a model an account may get. The order of the queue is not decided here.
 *
 * @see docs/decisions/2026-11-29-an-account-leaves-one-slot.md
 */

import { ceilUse } from "./slot-use.ts";
import type { SlotUse } from "./slot-use.ts";

export interface SharesOptions {
  /** Slots of the model. */
  readonly concurrency: number;
  /** A fixed share for every account. Null or absent: computed from the current use of the model. */
  readonly accountSlotsMax?: number | null;
}

/** Whether the account may get one more slot, as far as its share goes. */
export type MayTake = (accountId: string) => boolean;

/**
 * Alone an account may hold all slots but one. Beside others it leaves what they use and one more, but has no less than
 * an equal part; the last slot is left in any case. An account that holds nothing may always get one.
 *
 * @param listWaiting accounts that wait for a slot.
 * @returns the shares of the moment; read them again after anything but an admission.
 */
export function createShares(
  { concurrency, accountSlotsMax = null }: SharesOptions,
  use: SlotUse,
  listWaiting: () => ReadonlySet<string>,
): () => MayTake {
  if (accountSlotsMax !== null) return () => (accountId) => use.of(accountId) < accountSlotsMax;
  const allButOne = concurrency - 1;
  return () => {
    // Counted only when it is asked for: it takes longer, the more accounts there are.
    let equalPart: number | null = null;
    return (accountId) => {
      const held = use.of(accountId);
      if (held === 0 || held < allButOne - ceilUse(use.ofOthers(accountId))) return true;
      equalPart ??= Math.ceil(concurrency / use.countAccounts(listWaiting()));
      return held < Math.min(allButOne, equalPart);
    };
  };
}
