/** A clock that stands still until a test moves it. */

import type { Clock } from "../clock.ts";

export interface FakeClock extends Clock {
  /** Runs what is due by then, in the order of its time; what that has others do is given its turn in between. */
  advance(byMs: number): Promise<void>;
}

export function createFakeClock(): FakeClock {
  let nowMs = 0;
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  return {
    nowMs: () => nowMs,
    after(delayMs, run) {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
    async advance(byMs) {
      const untilMs = nowMs + byMs;
      for (;;) {
        await settled();
        const [next] = [...timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs);
        if (next === undefined) break;
        timers.delete(next);
        nowMs = Math.max(nowMs, next.atMs);
        next.run();
      }
      nowMs = untilMs;
    },
  };
}

/** Every promise that can go on has gone on. */
export async function settled(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
}
