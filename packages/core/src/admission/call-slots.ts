/**
 * The slots of one call: the one that admission took, and those that its further generations ask for. Between two
 * generations a call gives its slot back and asks again, so that many choices of one call never stand before others.
 */

import type { AiError } from "../ai-error.ts";
import type { ModelQueue, ReleaseSlot } from "./model-queue.ts";

export interface CallSlots {
  /**
   * A slot for one generation. The first is there already.
   *
   * @throws the signal's reason; AiError `queue_timeout` when the call has held no slot for `waitTimeMsMax`
   */
  take(signal: AbortSignal): Promise<ReleaseSlot>;
  /** Gives back the slot of admission, if no generation has taken it. */
  close(): void;
}

export interface CallSlotsOptions {
  readonly accountId: string;
  readonly queue: ModelQueue;
  /** As for the first slot: how long the call may stand without any. */
  readonly waitTimeMsMax: number;
}

/** Waits for the call's first slot. @throws AiError as `ModelQueue.acquire` */
export async function openCallSlots(options: CallSlotsOptions, signal: AbortSignal): Promise<CallSlots> {
  const { accountId, queue, waitTimeMsMax } = options;
  let first: ReleaseSlot | null = await queue.acquire(accountId, signal);
  let held = 1;
  const waiting = new Set<AbortController>();
  let standstill: NodeJS.Timeout | undefined;

  function refuseAll(error: AiError): void {
    for (const controller of waiting) controller.abort(error);
  }

  /** The clock of the queue runs while the call waits and holds nothing. */
  function setClock(): void {
    clearTimeout(standstill);
    if (held > 0 || waiting.size === 0) return;
    standstill = setTimeout(() => refuseAll(queue.refuseTimeout()), waitTimeMsMax);
  }

  async function takeMore(taking: AbortSignal): Promise<ReleaseSlot> {
    const timedOut = new AbortController();
    waiting.add(timedOut);
    setClock();
    try {
      const release = await queue.acquireMore(accountId, AbortSignal.any([taking, timedOut.signal]));
      held += 1;
      return release;
    } finally {
      waiting.delete(timedOut);
      setClock();
    }
  }

  return {
    async take(taking) {
      taking.throwIfAborted();
      const release = first ?? (await takeMore(taking));
      first = null;
      let isHeld = true;
      return () => {
        if (!isHeld) return;
        isHeld = false;
        held -= 1;
        release();
        setClock();
      };
    },
    close() {
      first?.();
      first = null;
    },
  };
}
