/** How many windows of live audio are in memory at once, whatever the number of turns. */

import { createSlotPool } from "../shared/slot-pool.ts";
import type { SlotPool } from "../shared/slot-pool.ts";

/** What all turns share. */
export interface LiveSlots {
  /** Passes over audio that still grows. */
  readonly passes: SlotPool<object>;
  /** Texts at the end of turns and parts. */
  readonly finals: SlotPool<object>;
}

const PASSES_MAX = 1;
/** Two: a short one need not wait for a long one. */
const FINALS_MAX = 2;
export const LIVE_WINDOWS_MAX = PASSES_MAX + FINALS_MAX;

export function createLiveSlots(): LiveSlots {
  const createPool = (count: number): SlotPool<object> => createSlotPool(Array.from({ length: count }, () => ({})));
  return { passes: createPool(PASSES_MAX), finals: createPool(FINALS_MAX) };
}
