/**
 * Who computes the next step of the model, one at a time. What is urgent has a larger share of the time while others
 * wait; of calls of the same urgency, the one that had the least time is next.
 */

import { setImmediate } from "node:timers";

/**
 * `final`: text of live audio that somebody waits for. `recording`: a file's. `draft`: text of live audio that may never
 * be shown.
 */
export type StepUrgency = "final" | "recording" | "draft";

/** Of the time, while steps of all urgencies wait. */
const SHARES: Readonly<Record<StepUrgency, number>> = { final: 8, recording: 4, draft: 1 };

export interface StepOptions {
  /** What the time is counted for. */
  readonly call: object;
  readonly urgency: StepUrgency;
}

export interface StepTurns {
  /** @throws the signal's reason, before the step begins; what the step throws */
  run<Result>(step: () => Promise<Result>, options: StepOptions, signal: AbortSignal): Promise<Result>;
}

interface WaitingStep extends StepOptions {
  readonly start: () => void;
}

/** @param nowMs a clock that never goes back */
export function createStepTurns(nowMs: () => number = () => performance.now()): StepTurns {
  const waiting = new Set<WaitingStep>();
  const urgencies = new TimeShares<StepUrgency>();
  const calls = new TimeShares<object>();
  let isTaken = false;

  function startNext(): void {
    const urgency = urgencies.choose(Array.from(waiting, (step) => step.urgency));
    const steps = [...waiting].filter((step) => step.urgency === urgency);
    const call = calls.choose(steps.map((step) => step.call));
    const next = steps.find((step) => step.call === call);
    isTaken = next !== undefined;
    if (next === undefined) return;
    waiting.delete(next);
    next.start();
  }

  async function untilStart(options: StepOptions, signal: AbortSignal): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const step: WaitingStep = { ...options, start: resolve };
    const onAbort = (): void => {
      if (waiting.delete(step)) reject(signal.reason);
    };
    waiting.add(step);
    signal.addEventListener("abort", onAbort, { once: true });
    if (!isTaken) startNext();
    await promise.finally(() => signal.removeEventListener("abort", onAbort));
  }

  return {
    async run(step, options, signal) {
      signal.throwIfAborted();
      await untilStart(options, signal);
      const startMs = nowMs();
      try {
        signal.throwIfAborted();
        return await step();
      } finally {
        const elapsedMs = nowMs() - startMs;
        urgencies.charge(options.urgency, elapsedMs / SHARES[options.urgency]);
        calls.charge(options.call, elapsedMs);
        // Until then the call can have its next step wait with those of the others.
        setImmediate(startNext);
      }
    },
  };
}

/**
 * Time by key, as start-time fair queueing counts it: who did not wait saves up nothing.
 *
 * Rules: https://doi.org/10.1109/90.649569 (Goyal, Vin, Cheng)
 */
class TimeShares<Key extends object | string> {
  readonly #spent = new Map<Key, number>();
  #now = 0;

  /** Of those that wait, the one that is next; the first of several. */
  choose(waiting: readonly Key[]): Key | undefined {
    const [next] = waiting.toSorted((a, b) => this.#spentBy(a) - this.#spentBy(b));
    if (next !== undefined) this.#now = this.#spentBy(next);
    // Others are where those begin that have not waited yet.
    for (const [key, spent] of this.#spent) if (spent <= this.#now && key !== next) this.#spent.delete(key);
    return next;
  }

  charge(key: Key, time: number): void {
    this.#spent.set(key, this.#spentBy(key) + time);
  }

  #spentBy(key: Key): number {
    return Math.max(this.#now, this.#spent.get(key) ?? 0);
  }
}
