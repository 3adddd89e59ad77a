/**
 * A model's places: as many as its engine serves side by side, and a bounded line of callers that wait for one. Accounts
 * take turns, each account's own calls first come first served, so that nobody waits behind another's whole backlog. A
 * caller leaves the line by aborting and costs the others nothing.
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
   * @throws AiError `queue_full` when the line is full and this account has its share of it: at once, or later, when a
   *   caller whose account has fewer calls in the line comes; `queue_timeout` after `waitTimeMsMax`; `cancelled` when
   *   the signal aborts first.
   */
  acquire(accountId: string, signal: AbortSignal): Promise<() => void>;
  readonly running: number;
  readonly waiting: number;
}

interface Waiter {
  readonly accountId: string;
  readonly admit: () => void;
  readonly refuse: () => void;
}

/** Weight of the newest call in the running mean of how long places are held. */
const HOLD_TIME_SMOOTHING = 0.2;
const RETRY_AFTER_MS_MIN = 1000;
const RETRY_AFTER_MS_MAX = 60_000;

export function createModelQueue(options: ModelQueueOptions): ModelQueue {
  const now = options.now ?? (() => performance.now());
  const line = createFairLine();
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
      line.next()?.admit();
    };
  }

  /** When the caller would probably get a place: the line ahead of it, at the pace seen so far. */
  function estimateRetryAfterMs(): number {
    const estimateMs = (holdTimeMsMean * (line.size + 1)) / options.concurrency;
    return Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, Math.ceil(estimateMs)));
  }

  function queueFull(): AiError {
    const message = `This model is busy: ${running} calls are running and ${line.size} are waiting. Please try again later.`;
    return new AiError("queue_full", message, { retryAfterMs: estimateRetryAfterMs() });
  }

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
        const message = `No place on this model became free within ${options.waitTimeMsMax} ms. Please try again later.`;
        leave();
        reject(new AiError("queue_timeout", message, { retryAfterMs: estimateRetryAfterMs() }));
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

/** Lines of accounts that take turns. An account without a waiting call is forgotten. */
function createFairLine() {
  /** In the order in which the accounts' turns come. */
  const lines = new Map<string, Set<Waiter>>();
  let size = 0;
  return {
    add(waiter: Waiter): void {
      const own = lines.get(waiter.accountId);
      if (own === undefined) lines.set(waiter.accountId, new Set([waiter]));
      else own.add(waiter);
      size += 1;
    },
    remove(waiter: Waiter): void {
      const own = lines.get(waiter.accountId);
      if (own === undefined || !own.delete(waiter)) return;
      size -= 1;
      if (own.size === 0) lines.delete(waiter.accountId);
    },
    /** Whose turn it is. The account's next turn comes after everybody else's. */
    next(): Waiter | null {
      for (const [accountId, own] of lines) {
        lines.delete(accountId);
        lines.set(accountId, own);
        for (const waiter of own) return waiter;
      }
      return null;
    },
    /** The newest call of the account that has most of them. */
    longest(): { readonly waiting: number; readonly last: Waiter } | null {
      let longest: ReadonlySet<Waiter> = new Set();
      for (const own of lines.values()) if (own.size > longest.size) longest = own;
      const last = [...longest].at(-1);
      return last === undefined ? null : { waiting: longest.size, last };
    },
    waitingOf: (accountId: string): number => lines.get(accountId)?.size ?? 0,
    get size(): number {
      return size;
    },
  };
}
