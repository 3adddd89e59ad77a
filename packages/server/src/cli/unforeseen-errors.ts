/**
 * What becomes of a server after an error that nothing catches: an `error` event without a listener, a rejected promise
 * that is not awaited. What it was at is unknown, so it must not go on; it logs the error, lets running answers end as
 * for any stop, and fails, so that its supervisor starts it anew.
 */

import { describeStack } from "../describe-thrown.ts";
import type { Logger } from "../operations/logger.ts";
import { CommandFailure } from "./command-failure.ts";

export interface UnforeseenErrorsOptions {
  readonly logger: Logger;
  /** Called at the first error: asks for a graceful stop. */
  readonly onFirst: () => void;
  /** How long the stop may take before the process is ended, in milliseconds. */
  readonly stopTimeMsMax: number;
}

export interface UnforeseenErrors {
  /** Stops listening. @throws CommandFailure when there was an error. */
  close(): void;
}

const EXIT_FAILED = 1;

export function watchUnforeseenErrors({ logger, onFirst, stopTimeMsMax }: UnforeseenErrorsOptions): UnforeseenErrors {
  let count = 0;
  const onError = (thrown: unknown, origin: string) => {
    count += 1;
    logger.error("an unforeseen error ends the server", { origin, cause: describeStack(thrown) });
    if (count > 1) return;
    setTimeout(() => process.exit(EXIT_FAILED), stopTimeMsMax).unref();
    onFirst();
  };
  process.on("uncaughtException", onError);
  return {
    close() {
      process.off("uncaughtException", onError);
      if (count > 0) throw new CommandFailure("The server stopped after an unforeseen error. The log says which.");
    },
  };
}
