/** Work of which so much runs side by side; more waits in order, up to a number. */

import { AiError } from "@openai-compat/core";

export interface Limiter {
  /** @throws AiError `queue_full`; the signal's reason when it aborts while the work waits; what the work throws */
  run<Result>(work: () => Promise<Result>, signal: AbortSignal): Promise<Result>;
}

export function createLimiter({
  runningMax,
  waitingMax,
}: {
  readonly runningMax: number;
  readonly waitingMax: number;
}): Limiter {
  let running = 0;
  const waiting = new Set<() => void>();

  async function waitForTurn(signal: AbortSignal): Promise<void> {
    if (waiting.size >= waitingMax) {
      const message = "The server is busy with other changes of its models. Please try again in a moment.";
      throw new AiError("queue_full", message, { retryAfterMs: 1000 });
    }
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const onAbort = () => {
      waiting.delete(resolve);
      reject(signal.reason);
    };
    waiting.add(resolve);
    signal.addEventListener("abort", onAbort, { once: true });
    try {
      await promise;
    } finally {
      signal.removeEventListener("abort", onAbort);
    }
  }

  return {
    async run(work, signal) {
      signal.throwIfAborted();
      // Whoever ends gives its place to the first that waits.
      if (running < runningMax) running += 1;
      else await waitForTurn(signal);
      try {
        return await work();
      } finally {
        const [next] = waiting;
        if (next === undefined) running -= 1;
        else {
          waiting.delete(next);
          next();
        }
      }
    },
  };
}
