/** One turn at a time, round-robin across calls, FIFO within one. */

export interface Turns {
  /**
   * Resolves when the turn begins, with a function that ends it.
   *
   * @throws the signal's reason when it aborts first
   */
  take(call: object | string, signal: AbortSignal): Promise<() => void>;
}

export function createTurns(): Turns {
  /** By call, least recently served first. */
  const waiting = new Map<object | string, Set<() => void>>();
  let isTaken = false;

  function end(): void {
    const [next] = waiting;
    if (next === undefined) {
      isTaken = false;
      return;
    }
    const [call, queue] = next;
    const [start] = queue;
    leave(call, queue, start);
    // Moves the call to the end of the queue.
    if (queue.size > 0) {
      waiting.delete(call);
      waiting.set(call, queue);
    }
    start?.();
  }

  function leave(call: object | string, queue: Set<() => void>, start: (() => void) | undefined): void {
    if (start !== undefined) queue.delete(start);
    if (queue.size === 0) waiting.delete(call);
  }

  return {
    async take(call, signal) {
      signal.throwIfAborted();
      if (!isTaken) {
        isTaken = true;
        return end;
      }
      return new Promise((resolve, reject) => {
        const queue = waiting.get(call) ?? new Set();
        waiting.set(call, queue);
        const start = () => {
          signal.removeEventListener("abort", onAbort);
          resolve(end);
        };
        const onAbort = () => {
          leave(call, queue, start);
          const reason: unknown = signal.reason;
          reject(reason);
        };
        queue.add(start);
        signal.addEventListener("abort", onAbort, { once: true });
      });
    },
  };
}
