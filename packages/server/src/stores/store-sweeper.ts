/**
 * Clears away, now and then, what has had its time: holds of crashed processes, revocations of tokens that have
 * expired, client secrets, what callers have stored.
 */

import type { Stores } from "./stores.ts";

export interface StoreSweeper {
  /** Resolves when a sweep that runs has ended. */
  stop(): Promise<void>;
}

export interface StoreSweeperOptions {
  readonly onError: (error: Error) => void;
  /** Default 10,000. */
  readonly everyMs?: number;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** Sweeps once at once, so that a server that was killed finds its accounts in order when it is back. */
export function startStoreSweeper(
  stores: Pick<Stores, "clientSecrets" | "credits" | "responses" | "responseRuns" | "tokenRevocations">,
  options: StoreSweeperOptions,
): StoreSweeper {
  const { onError, everyMs = 10_000, now = Date.now } = options;
  let running: Promise<unknown> | null = null;
  const sweep = () => {
    running ??= Promise.all([
      stores.credits.expireHolds(now()),
      stores.tokenRevocations.prune(now()),
      stores.clientSecrets.prune(now()),
      stores.responses.removeExpired(now()),
      stores.responseRuns.removeExpired(now()),
    ])
      .catch((thrown: unknown) => onError(thrown instanceof Error ? thrown : new Error(String(thrown))))
      .finally(() => (running = null));
  };
  sweep();
  const timer = setInterval(sweep, everyMs);
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
