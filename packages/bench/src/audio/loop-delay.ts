/** For how long a process's event loop answers late: the p99 of its timers' delays. */

import { monitorEventLoopDelay } from "node:perf_hooks";

export type LoopDelayCalls = {
  startLoopWatch: (argument: null) => Promise<void>;
  /** @returns p99 since the start, in milliseconds */
  readLoopWatch: (argument: null) => Promise<number>;
};

const NANOSECONDS_PER_MS = 1_000_000;

export function createLoopDelayCalls(): LoopDelayCalls {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  return {
    async startLoopWatch() {
      delay.enable();
      delay.reset();
    },
    async readLoopWatch() {
      delay.disable();
      return delay.percentile(99) / NANOSECONDS_PER_MS;
    },
  };
}
