/** Every bound of a run, with its default. */

import { RECORDED_BYTES_MAX } from "./exchange-recording.ts";

export interface RunLimits {
  /** Time for one check; past it the check is inconclusive. */
  readonly checkTimeoutMs: number;
  /** Time for the whole run; past it the remaining checks are inconclusive. */
  readonly runTimeoutMs: number;
  /** Time for each of the two requests that identify the target. */
  readonly preflightTimeoutMs: number;
  /** After so many checks in a row that timed out or reached nothing, the remaining ones are not tried. */
  readonly stuckChecksMax: number;
  /** Checks at the same time. With more than one, checks about timing may be disturbed by each other. */
  readonly concurrency: number;
  /** Recorded body bytes per exchange. */
  readonly recordedBytesMax: number;
}

export const DEFAULT_LIMITS: RunLimits = {
  checkTimeoutMs: 60_000,
  runTimeoutMs: 30 * 60_000,
  preflightTimeoutMs: 10_000,
  stuckChecksMax: 3,
  concurrency: 1,
  recordedBytesMax: RECORDED_BYTES_MAX,
};
