/**
 * A model's slots, as many as its engine runs side by side, and the one queue for them. Each generation holds a slot; a
 * call to an embedding model or an upstream holds one as a whole. The account that holds fewest slots comes first, and
 * no account holds more than its share, so that another account finds a free slot however long the running generations
 * are: nothing that runs is ever interrupted.
 */

import { AiError, toAiError } from "../ai-error.ts";
import { createFairQueue } from "./fair-queue.ts";
import type { AccountMember } from "./fair-queue.ts";
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
  const { concurrency, waitingMax, waitTimeMsMax, now = () => performance.now() } = options;
  const accountSlotsMax = options.accountSlotsMax ?? Math.max(1, concurrency - 1);
  const queue = createFairQueue<Waiter>();
  const pace = createPace();
  const held = createHeldSlots((releasing, heldMs) => {
    pace.record(heldMs);
    queue.next((accountId) => rankAfter(releasing, accountId))?.admit();
  }, now);

  const rank = (accountId: string) => (held.of(accountId) < accountSlotsMax ? held.of(accountId) : null);
  /** Of accounts that hold as many slots, the one that has just had one comes last. */
  const rankAfter = (releasing: string, accountId: string) => {
    const ranked = rank(accountId);
    return ranked === null || accountId !== releasing ? ranked : ranked + 0.5;
  };
  const hasSlotFor = (accountId: string) => held.total < concurrency && rank(accountId) !== null;
  const estimateRetryAfterMs = () => pace.estimateRetryAfterMs(queue.waiting, concurrency);
  const queueFull = () => refuseFull({ running: held.total, waiting: queue.waiting }, estimateRetryAfterMs());
  const refuseTimeout = () => describeTimeout(waitTimeMsMax, estimateRetryAfterMs());

  function wait({ accountId, signal, isRunning }: WaitOptions): Promise<ReleaseSlot> {
    return new Promise((resolve, reject) => {
      const leave = () => {
        queue.remove(waiter);
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
          resolve(held.take(accountId));
        },
        refuse: () => refuse(queueFull()),
      };
      const timer = isRunning ? undefined : setTimeout(() => refuse(refuseTimeout()), waitTimeMsMax);
      signal.addEventListener("abort", onAbort, { once: true });
      queue.add(waiter);
    });
  }

  return {
    async acquire(accountId, signal) {
      signal.throwIfAborted();
      if (hasSlotFor(accountId)) return held.take(accountId);
      if (queue.waiting >= waitingMax) {
        const longest = queue.longest();
        if (longest === null || longest.waiting <= queue.waitingOf(accountId) + 1) throw queueFull();
        longest.last.refuse();
      }
      return wait({ accountId, signal, isRunning: false });
    },
    async acquireMore(accountId, signal) {
      signal.throwIfAborted();
      return hasSlotFor(accountId) ? held.take(accountId) : wait({ accountId, signal, isRunning: true });
    },
    refuseTimeout,
    get running() {
      return held.total;
    },
    get waiting() {
      return queue.waiting;
    },
  };
}

/**
 * Slots by account.
 *
 * @param onRelease called with the account and how long it held the slot, in milliseconds, when a slot is free again
 */
function createHeldSlots(onRelease: (accountId: string, heldMs: number) => void, now: () => number) {
  const byAccount = new Map<string, number>();
  let total = 0;
  const add = (accountId: string, count: 1 | -1) => {
    total += count;
    const held = (byAccount.get(accountId) ?? 0) + count;
    if (held === 0) byAccount.delete(accountId);
    else byAccount.set(accountId, held);
  };
  return {
    of: (accountId: string) => byAccount.get(accountId) ?? 0,
    take(accountId: string): ReleaseSlot {
      add(accountId, 1);
      const takenAt = now();
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        add(accountId, -1);
        onRelease(accountId, now() - takenAt);
      };
    },
    get total() {
      return total;
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
