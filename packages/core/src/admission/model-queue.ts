/**
 * A model's places: as many as its engine serves side by side, and a bounded line of callers that wait for one. Accounts
 * take turns, each account's own calls first come first served, so that nobody waits behind another's whole backlog. A
 * caller leaves the line by aborting and costs the others nothing.
 */

import { AiError, toAiError } from "../ai-error.ts";
import { createFairLine } from "./fair-line.ts";
import type { AccountMember } from "./fair-line.ts";
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
   * @throws AiError `queue_full` when the line is full and this account has its share of it: at once, or later, when a
   *   caller whose account has fewer calls in the line comes; `queue_timeout` after `waitTimeMsMax`; `cancelled` when
   *   the signal aborts first.
   */
  acquire(accountId: string, signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Waiter extends AccountMember {
  readonly admit: () => void;
  readonly refuse: () => void;
}

export function createModelQueue(options: ModelQueueOptions): ModelQueue {
  const now = options.now ?? (() => performance.now());
  const line = createFairLine<Waiter>();
  const pace = createPace();
  let running = 0;

  function take(): () => void {
    running += 1;
    const takenAt = now();
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      running -= 1;
      pace.record(now() - takenAt);
      line.next()?.admit();
    };
  }

  const estimateRetryAfterMs = () => pace.estimateRetryAfterMs(line.size, options.concurrency);

  const queueFull = () => refuseFull({ running, waiting: line.size }, estimateRetryAfterMs());

  function wait(accountId: string, signal: AbortSignal): Promise<() => void> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        line.remove(waiter);
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const onAbort = () => {
        leave();
        reject(toAiError(signal.reason, signal));
      };
      const waiter: Waiter = {
        accountId,
        admit() {
          leave();
          resolve(take());
        },
        refuse() {
          leave();
          reject(queueFull());
        },
      };
      const timer = setTimeout(() => {
        leave();
        reject(refuseTimeout(options, estimateRetryAfterMs()));
      }, options.waitTimeMsMax);
      signal.addEventListener("abort", onAbort, { once: true });
      line.add(waiter);
    });
  }

  return {
    async acquire(accountId, signal) {
      signal.throwIfAborted();
      if (running < options.concurrency && line.size === 0) return take();
      if (line.size >= options.waitingMax) {
        const longest = line.longest();
        if (longest === null || longest.waiting <= line.waitingOf(accountId) + 1) throw queueFull();
        longest.last.refuse();
      }
      return wait(accountId, signal);
    },
    get running() {
      return running;
    },
    get waiting() {
      return line.size;
    },
  };
}

function refuseFull(queue: Pick<ModelQueue, "running" | "waiting">, retryAfterMs: number): AiError {
  const message = `This model is busy: ${queue.running} calls are running and ${queue.waiting} are waiting. Please try again later.`;
  return new AiError("queue_full", message, { retryAfterMs });
}

function refuseTimeout({ waitTimeMsMax }: QueueLimits, retryAfterMs: number): AiError {
  const message = `No place on this model became free within ${waitTimeMsMax} ms. Please try again later.`;
  return new AiError("queue_timeout", message, { retryAfterMs });
}

/** Weight of the newest call in the running mean of how long places are held. */
const HOLD_TIME_SMOOTHING = 0.2;
const RETRY_AFTER_MS_MIN = 1000;
const RETRY_AFTER_MS_MAX = 60_000;

/** How long places are held, as seen so far. */
function createPace() {
  let holdTimeMsMean = 0;
  return {
    record(holdTimeMs: number): void {
      holdTimeMsMean += (holdTimeMs - holdTimeMsMean) * (holdTimeMsMean === 0 ? 1 : HOLD_TIME_SMOOTHING);
    },
    /** When a newcomer would probably get a place: the line ahead of it, at this pace. */
    estimateRetryAfterMs(waiting: number, concurrency: number): number {
      const estimateMs = (holdTimeMsMean * (waiting + 1)) / concurrency;
      return Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, Math.ceil(estimateMs)));
    },
  };
}
