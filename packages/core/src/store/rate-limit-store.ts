/**
 * Counters of what accounts have used in the current window. A window starts with the first use of a key and lasts a
 * minute; several processes on one store share them.
 */

export const RATE_LIMIT_WINDOW_MS = 60_000;

export interface RateLimitUse {
  /** What is counted, e.g. `requests:<account>`; at most 400 characters. */
  readonly key: string;
  /** How much; 0 only looks. */
  readonly points: number;
  /** How much fits into a window. */
  readonly limit: number;
}

export interface RateLimitOutcome {
  /** False when the points did not fit any more; then nothing was taken. */
  readonly allowed: boolean;
  /** What is left in the window after this use, 0 or more. */
  readonly remaining: number;
  /** Milliseconds until the window ends and everything is there again; 0 when nothing is used. */
  readonly resetMs: number;
}

export interface RateLimitStore {
  consume(use: RateLimitUse): Promise<RateLimitOutcome>;
  /**
   * Corrects a use when the real amount is known: positive takes more, even beyond the limit; negative gives back, and
   * never more than was taken. It changes the window that is open now, and nothing where none is.
   */
  correct(use: RateLimitUse): Promise<void>;
  close(): Promise<void>;
}
