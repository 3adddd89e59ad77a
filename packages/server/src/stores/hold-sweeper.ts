/** Gives back, now and then, what crashed processes had reserved: holds whose time has come. */

import type { CreditStore } from "@openai-compat/core";

export interface HoldSweeper {
  /** Resolves when a sweep that runs has ended. */
  stop(): Promise<void>;
}

export interface HoldSweeperOptions {
  readonly onError: (error: Error) => void;
  /** Default 10,000. */
  readonly everyMs?: number;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** Sweeps once at once, so that a server that was killed finds its accounts in order when it is back. */
export function startHoldSweeper(credits: CreditStore, options: HoldSweeperOptions): HoldSweeper {
  const { onError, everyMs = 10_000, now = Date.now } = options;
  let running: Promise<unknown> | null = null;
  const sweep = () => {
    running ??= credits
      .expireHolds(now())
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
