/** Every bound of a run, with its default. */

import { RECORDED_BYTES_MAX } from "./exchange-recording.ts";

export interface RunLimits {
  /** A check to whose requests nothing comes for this time is inconclusive. */
  readonly checkTimeoutMs: number;
  /** A check to whose requests something comes all the time is inconclusive after so many times `checkTimeoutMs`. */
  readonly patienceFactorMax: number;
  /** Time for the whole run; past it the remaining checks are inconclusive. */
  readonly runTimeoutMs: number;
  /** Time for each of the requests that identify the target. */
  readonly preflightTimeoutMs: number;
  /** After so many checks in a row that timed out, reached nothing or got an answer without an end, the remaining ones are not tried. */
  readonly stuckChecksMax: number;
  /** So often a check that failed is run again. */
  readonly retriesMax: number;
  /** A check that took longer than this is not run again. */
  readonly retryCheckMsMax: number;
  /** Time for a server that died to come back, before the rest of the run is given up. */
  readonly restartWaitMsMax: number;
  /** Time to wait for a target that limits our rate, in one go; 0: none, and its 429s are left as they are. */
  readonly rateLimitWaitMsMax: number;
  /** Checks at the same time, of those that are independent of each other; the others run alone. 1: none. */
  readonly concurrency: number;
  /** Recorded body bytes per exchange. */
  readonly recordedBytesMax: number;
}

export const DEFAULT_LIMITS: RunLimits = {
  checkTimeoutMs: 60_000,
  patienceFactorMax: 5,
  runTimeoutMs: 30 * 60_000,
  preflightTimeoutMs: 10_000,
  stuckChecksMax: 3,
  retriesMax: 2,
  retryCheckMsMax: 15_000,
  restartWaitMsMax: 20_000,
  rateLimitWaitMsMax: 120_000,
  concurrency: 1,
  recordedBytesMax: RECORDED_BYTES_MAX,
};
