/** Looks now and then for runs whose process is gone, at once when a server starts. */

import type { BackgroundRuns } from "./background-runs.ts";

export interface RunSweeper {
  /** Resolves when a sweep that runs has ended. */
  stop(): Promise<void>;
}

export interface RunSweeperOptions {
  /** The shortest time after which there can be one. */
  readonly leaseMs: number;
  readonly onError: (error: Error) => void;
}

const EVERY_MS_MAX = 10_000;

export function startRunSweeper(
  backgrounds: Pick<BackgroundRuns, "sweep">,
  { leaseMs, onError }: RunSweeperOptions,
): RunSweeper {
  let running: Promise<void> | null = null;
  const sweep = () => {
    running ??= backgrounds
      .sweep()
      .catch((thrown: unknown) => onError(thrown instanceof Error ? thrown : new Error(String(thrown))))
      .finally(() => (running = null));
  };
  sweep();
  const timer = setInterval(sweep, Math.min(leaseMs / 2, EVERY_MS_MAX));
  timer.unref();
  return {
    async stop() {
      clearInterval(timer);
      await running;
    },
  };
}
