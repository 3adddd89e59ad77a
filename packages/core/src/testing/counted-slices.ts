/** Slices of work for tests, in which every look at the clock ends a slice. */

import type { WorkSlices } from "../work-slices.ts";

export interface CountedSlices extends WorkSlices {
  /** How many slices have ended. */
  count: number;
}

export function createCountedSlices(): CountedSlices {
  return {
    isOver: true,
    count: 0,
    async next() {
      this.count += 1;
    },
  };
}
