/** How long this process's event loop stood still, by the clock and by the CPU time of its thread. */

import { monitorEventLoopDelay } from "node:perf_hooks";

export interface LoopReading {
  /** The longest delay of a timer, in milliseconds: others who use the machine are in it. */
  readonly delayMs: number;
  /** The most CPU time of this thread between two of its timers, in milliseconds: others are not in it. */
  readonly turnCpuMs: number;
}

export interface LoopWatch {
  reset(): void;
  read(): LoopReading;
}

const INTERVAL_MS = 1;
const NANOSECONDS_PER_MS = 1_000_000;

/** Watches until the process ends. */
export function createLoopWatch(): LoopWatch {
  const delay = monitorEventLoopDelay({ resolution: INTERVAL_MS });
  delay.enable();
  let before = readCpuMs();
  let turnCpuMs = 0;
  const look = () => {
    const now = readCpuMs();
    turnCpuMs = Math.max(turnCpuMs, now - before);
    before = now;
  };
  setInterval(look, INTERVAL_MS).unref();
  return {
    reset() {
      delay.reset();
      before = readCpuMs();
      turnCpuMs = 0;
    },
    read() {
      look();
      return { delayMs: delay.max / NANOSECONDS_PER_MS, turnCpuMs };
    },
  };
}

function readCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
