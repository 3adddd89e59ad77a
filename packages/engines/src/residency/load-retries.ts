/** When a load may be tried again: after failed loads, and after losses of what was loaded. */

import type { Clock } from "./clock.ts";

export interface LoadRetriesOptions {
  /** For how long a failed load is answered with the remembered failure; doubled with each further failure in a row. */
  readonly retryDelayMs: number;
  /** Upper bound of the doubling. */
  readonly retryDelayMsMax: number;
}

export interface RememberedFailure {
  readonly thrown: unknown;
  readonly retryAfterMs: number;
}

export interface LoadRetries {
  /** @returns how long no load is tried */
  rememberFailure(thrown: unknown): number;
  /**
   * The first loss delays nothing, a further one as failed loads do.
   *
   * @returns how long no load is tried
   */
  rememberLoss(error: Error): number;
  /** A load went well. */
  forgetFailures(): void;
  /** What was loaded has done its work. */
  forgetLosses(): void;
  /** The failure that stands for a load now; null when it may be tried. */
  read(): RememberedFailure | null;
  /** How long no load is tried after this failure; null for what is not the remembered one. */
  findDelayMs(thrown: unknown): number | null;
}

/** Beyond any delay that a limit allows. */
const DOUBLINGS_MAX = 32;

export function createLoadRetries({ retryDelayMs, retryDelayMsMax }: LoadRetriesOptions, clock: Clock): LoadRetries {
  let failure: { readonly thrown: unknown; readonly retryAtMs: number } | null = null;
  let failures = 0;
  let losses = 0;

  function remember(thrown: unknown, doublings: number): number {
    const retryAfterMs = Math.min(retryDelayMs * 2 ** Math.min(doublings, DOUBLINGS_MAX), retryDelayMsMax);
    failure = { thrown, retryAtMs: clock.nowMs() + retryAfterMs };
    return retryAfterMs;
  }

  return {
    rememberFailure(thrown) {
      failures += 1;
      return remember(thrown, failures - 1);
    },
    rememberLoss(error) {
      losses += 1;
      return losses === 1 ? 0 : remember(error, losses - 2);
    },
    forgetFailures() {
      failures = 0;
    },
    forgetLosses() {
      losses = 0;
    },
    read() {
      if (failure === null) return null;
      const { thrown, retryAtMs } = failure;
      const retryAfterMs = retryAtMs - clock.nowMs();
      return retryAfterMs > 0 ? { thrown, retryAfterMs } : null;
    },
    findDelayMs: (thrown) =>
      failure === null || failure.thrown !== thrown ? null : Math.max(0, failure.retryAtMs - clock.nowMs()),
  };
}
