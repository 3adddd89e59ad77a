/** One turn at a time, round-robin across calls, FIFO within one. */

import { createCallQueue } from "./call-queue.ts";

export interface Turns {
  /**
   * Resolves when the turn begins, with a function that ends it.
   *
   * @throws the signal's reason when it aborts first
   */
  take(call: object | string, signal: AbortSignal): Promise<() => void>;
}

export function createTurns(): Turns {
  const waiting = createCallQueue<() => void>();
  let isTaken = false;

  function end(): void {
    const start = waiting.take();
    if (start === undefined) isTaken = false;
    else start();
  }

  return {
    async take(call, signal) {
      signal.throwIfAborted();
      if (!isTaken) {
        isTaken = true;
        return end;
      }
      return new Promise((resolve, reject) => {
        const start = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(end);
        };
        const onAbort = () => {
          waiting.remove(call, start);
          const reason: unknown = signal.reason;
          reject(reason);
        };
        waiting.add(call, start);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
