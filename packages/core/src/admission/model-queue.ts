/**
 * A model's places: as many as its engine serves side by side, and a bounded line of callers that wait for one, first
 * come first served. A caller leaves the line by aborting and costs the others nothing.
 */

import { AiError, toAiError } from "../ai-error.ts";
import type { QueueLimits } from "../models/registry.ts";

export interface ModelQueueOptions extends QueueLimits {
  /** Calls that hold a place at the same time. */
  readonly concurrency: number;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

export interface ModelQueue {
  /**
   * Waits for a place and takes it.
   *
   * @returns the function that gives the place back; calling it again does nothing.
   * @throws AiError `queue_full` at once when the line is full, `queue_timeout` after `waitTimeMsMax`, `cancelled` when
   *   the signal aborts first.
   */
  acquire(signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly admit: () => void;
}

/** Weight of the newest call in the running mean of how long places are held. */
const HOLD_TIME_SMOOTHING = 0.2;
const RETRY_AFTER_MS_MIN = 1000;
const RETRY_AFTER_MS_MAX = 60_000;

export function createModelQueue(options: ModelQueueOptions): ModelQueue {
  const now = options.now ?? (() => performance.now());
  const line = new Set<Waiter>();
  let running = 0;
  let holdTimeMsMean = 0;

  function take(): () => void {
    running += 1;
    const takenAt = now();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      running -= 1;
      const holdTimeMs = now() - takenAt;
      holdTimeMsMean += (holdTimeMs - holdTimeMsMean) * (holdTimeMsMean === 0 ? 1 : HOLD_TIME_SMOOTHING);
      const next = line.values().next();
      if (next.done !== true) next.value.admit();
    };
  }

  /** When the caller would probably get a place: the line ahead of it, at the pace seen so far. */
  function estimateRetryAfterMs(): number {
    const estimateMs = (holdTimeMsMean * (line.size + 1)) / options.concurrency;
    return Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, Math.ceil(estimateMs)));
  }

  function wait(signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        line.delete(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        leave();
        reject(toAiError(signal.reason, signal));
      };
      const waiter: Waiter = {
        admit() {
          leave();
          resolve(take());
        },
      };
      const timer = setTimeout(() => {
        const message = `No place on this model became free within ${options.waitTimeMsMax} ms. Please try again later.`;
        leave();
        reject(new AiError("queue_timeout", message, { retryAfterMs: estimateRetryAfterMs() }));
      }, options.waitTimeMsMax);
      signal.addEventListener("abort", onAbort, { once: true });
      line.add(waiter);
    });
  }

  return {
    async acquire(signal) {
      signal.throwIfAborted();
      if (running < options.concurrency && line.size === 0) return take();
      if (line.size >= options.waitingMax) {
        const message = `This model is busy: ${running} calls are running and ${line.size} are waiting. Please try again later.`;
        throw new AiError("queue_full", message, { retryAfterMs: estimateRetryAfterMs() });
      }
      return wait(signal);
    },
    get running() {
      return running;
    },
    get waiting() {
      return line.size;
    },
  };
}
