/** Counts calls that run, so that a close can wait for their end. */

export interface RunningCalls {
  /** @returns ends the call; calling it again changes nothing. */
  begin(): () => void;
  /** Resolves when every call that runs now has ended. */
  ended(): Promise<void>;
}

export function createRunningCalls(): RunningCalls {
  const running = new Set<Promise<void>>();
  return {
    begin() {
      const { promise, resolve } = Promise.withResolvers<void>();
      running.add(promise);
      return () => {
        running.delete(promise);
        resolve();
      };
    },
    async ended() {
      await Promise.all(running);
    },
  };
}
