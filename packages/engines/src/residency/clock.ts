/** The time, and being called later: what a test replaces. */

export interface Clock {
  /** Milliseconds, monotonic. */
  nowMs(): number;
  /**
   * Calls `run` once, later. What nobody waits for is `detached`: it keeps no process alive.
   *
   * @returns takes it back; without effect once it ran.
   */
  after(delayMs: number, run: () => void, kind: "awaited" | "detached"): () => void;
}

/** Node.js fires a longer timer at once. */
const DELAY_MS_MAX = 2 ** 31 - 1;

export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, run, kind) {
    const timer = setTimeout(run, Math.min(delayMs, DELAY_MS_MAX));
    if (kind === "detached") timer.unref();
    return () => clearTimeout(timer);
  },
};
