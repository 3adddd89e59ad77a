/**
 * A model's slots, as many as its engine runs side by side, and the one queue for them. Each generation holds a slot; a
 * call to an embedding model or an upstream holds one as a whole. The account that holds fewest slots comes first, and
 * no account gets more than its share, so that another account finds a free slot however long the running generations
 * are: nothing that runs is ever interrupted.
 *
 * @see docs/decisions/2026-11-29-an-account-leaves-one-slot.md
 */

import { AiError, toAiError } from "../ai-error.ts";
import { createFairQueue } from "./fair-queue.ts";
import type { AccountMember, FairQueue } from "./fair-queue.ts";
import { createShares } from "./slot-shares.ts";
import { createSlotUse } from "./slot-use.ts";
import type { QueueLimits } from "../models/registry.ts";

export interface ModelQueueOptions extends QueueLimits {
  /** Slots of the model. */
  readonly concurrency: number;
  /** Milliseconds on a clock that never goes back. Default `performance.now`. */
  readonly now?: () => number;
}

/** Gives a slot back; calling it again does nothing. */
export type ReleaseSlot = () => void;

export interface ModelQueue {
  /**
   * Waits for the first slot of a new call.
   *
   * @throws AiError `queue_full` when the queue is full and this account has its share of it: at once, or later, when a
   *   caller whose account has fewer calls in the queue comes; `queue_timeout` after `waitTimeMsMax`; `cancelled` when
   *   the signal aborts first.
   */
  acquire(accountId: string, signal: AbortSignal): Promise<ReleaseSlot>;
  /**
   * Waits for one more slot of a call that has had its first: before its account's new calls, after accounts that hold
   * fewer slots. It counts against no limit of the queue; the call's own signal bounds the wait.
   *
   * @throws the signal's reason when it aborts first
   */
  acquireMore(accountId: string, signal: AbortSignal): Promise<ReleaseSlot>;
  /** @returns the error for a caller that has waited for `waitTimeMsMax`. */
  refuseTimeout(): AiError;
  /** Slots that are held. */
  readonly running: number;
  /** New calls that wait. */
  readonly waiting: number;
}

interface Waiter extends AccountMember {
  readonly admit: () => void;
  readonly refuse: () => void;
}

interface WaitOptions {
  readonly accountId: string;
  readonly signal: AbortSignal;
  readonly isRunning: boolean;
}

export function createModelQueue(options: ModelQueueOptions): ModelQueue {
  const { concurrency, waitingMax, waitTimeMsMax } = options;
  const queue = createFairQueue<Waiter>();
  const pace = createPace();
  const slots = createSlots(options, queue, (heldMs) => pace.record(heldMs));
  const estimateRetryAfterMs = () => pace.estimateRetryAfterMs(queue.waiting, concurrency);
  const queueFull = () => refuseFull({ running: slots.total, waiting: queue.waiting }, estimateRetryAfterMs());
  const refuseTimeout = () => describeTimeout(waitTimeMsMax, estimateRetryAfterMs());

  function wait({ accountId, signal, isRunning }: WaitOptions): Promise<ReleaseSlot> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.remove(waiter);
        slots.setReview();
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
      };
      const refuse = (error: AiError) => {
        leave();
        reject(error);
      };
      const onAbort = () => refuse(toAiError(signal.reason, signal));
      const waiter: Waiter = {
        accountId,
        isRunning,
        admit() {
          leave();
          resolve(slots.take(accountId));
        },
        refuse: () => refuse(queueFull()),
      };
      const timer = isRunning ? undefined : setTimeout(() => refuse(refuseTimeout()), waitTimeMsMax);
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiter);
      slots.setReview();
    });
  }

  return {
    async acquire(accountId, signal) {
      signal.throwIfAborted();
      const release = slots.tryTake(accountId);
      if (release !== null) return release;
      if (queue.waiting >= waitingMax) {
        const longest = queue.longest();
        if (longest === null || longest.waiting <= queue.waitingOf(accountId) + 1) throw queueFull();
        longest.last.refuse();
      }
      return wait({ accountId, signal, isRunning: false });
    },
    async acquireMore(accountId, signal) {
      signal.throwIfAborted();
      return slots.tryTake(accountId) ?? wait({ accountId, signal, isRunning: true });
    },
    refuseTimeout,
    get running() {
      return slots.total;
    },
    get waiting() {
      return queue.waiting;
    },
  };
}

/** How often waiting callers are looked at while slots are free. */
const REVIEW_MS = 1000;

/**
 * The slots, and the choice of the waiter that gets one.
 *
 * @param onRelease called when a slot is free again, with how long it was held, in milliseconds
 */
function createSlots(options: ModelQueueOptions, queue: FairQueue<Waiter>, onRelease: (heldMs: number) => void) {
  const { concurrency, now = () => performance.now() } = options;
  const use = createSlotUse(now);
  const readShares = createShares(options, use, () => new Set(queue.accountIds()));
  let review: NodeJS.Timeout | undefined;

  function take(accountId: string): ReleaseSlot {
    use.take(accountId);
    const takenAt = now();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      use.giveBack(accountId);
      onRelease(now() - takenAt);
      admitWaiters(accountId);
    };
  }

  /** @param releasing of accounts that hold as many slots, the one that has just had one comes last. */
  function admitWaiters(releasing?: string): void {
    const mayTake = readShares();
    const rank = (accountId: string) =>
      mayTake(accountId) ? use.of(accountId) + (accountId === releasing ? 0.5 : 0) : null;
    while (use.total < concurrency) {
      const next = queue.next(rank);
      if (next === null) break;
      next.admit();
    }
    setReview();
  }

  /**
   * Call when the set of waiters has changed. Shares grow without an event while the recorded use of other accounts
   * decays.
   */
  function setReview(): void {
    const isDue = use.total < concurrency && !queue.isEmpty;
    if (isDue === (review !== undefined)) return;
    clearTimeout(review);
    review = isDue ? setTimeout(reviewShares, REVIEW_MS) : undefined;
    review?.unref();
  }

  function reviewShares(): void {
    review = undefined;
    admitWaiters();
  }

  return {
    take,
    /** A free slot that no waiter may take; null where there is none for this account. */
    tryTake(accountId: string): ReleaseSlot | null {
      admitWaiters();
      return use.total < concurrency && readShares()(accountId) ? take(accountId) : null;
    },
    setReview,
    get total() {
      return use.total;
    },
  };
}

function refuseFull(queue: Pick<ModelQueue, "running" | "waiting">, retryAfterMs: number): AiError {
  const message = `This model is busy: ${queue.running} slots are taken and ${queue.waiting} calls are waiting. Please try again later.`;
  return new AiError("queue_full", message, { retryAfterMs });
}

function describeTimeout(waitTimeMsMax: number, retryAfterMs: number): AiError {
  const message = `No slot of this model became free within ${waitTimeMsMax} ms. Please try again later.`;
  return new AiError("queue_timeout", message, { retryAfterMs });
}

/** Weight of the newest generation in the running mean of how long slots are held. */
const HOLD_TIME_SMOOTHING = 0.2;
const RETRY_AFTER_MS_MIN = 1000;
const RETRY_AFTER_MS_MAX = 60_000;

/** How long slots are held, as seen so far. */
function createPace() {
  let holdTimeMsMean = 0;
  return {
    record(holdTimeMs: number): void {
      holdTimeMsMean += (holdTimeMs - holdTimeMsMean) * (holdTimeMsMean === 0 ? 1 : HOLD_TIME_SMOOTHING);
    },
    /** When a newcomer would probably get a slot: the queue ahead of it, at this pace. */
    estimateRetryAfterMs(waiting: number, concurrency: number): number {
      const estimateMs = (holdTimeMsMean * (waiting + 1)) / concurrency;
      return Math.min(RETRY_AFTER_MS_MAX, Math.max(RETRY_AFTER_MS_MIN, Math.ceil(estimateMs)));
    },
  };
}
