/** When a failed call is tried again, and after which wait. It knows no request. */

import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { createAbortError } from "./call-watch.ts";

export interface Attempt {
  /** Whether the server refused the credential of the attempt before. */
  readonly isRefused: boolean;
}

type RetrySettings = Pick<ClientSettings, "retry" | "retryTokens" | "token">;

/** The share of a wait that the server asked for by which clients are spread. */
const SPREAD = 0.1;

/**
 * Calls `attempt` until it succeeds or may not be tried again. A refused credential (401) of a function is replaced once;
 * that is no retry.
 *
 * @throws ClientError of the last attempt, or of kind `aborted`.
 */
export async function callWithRetries<Result>(
  settings: RetrySettings,
  signal: AbortSignal | null,
  attempt: (current: Attempt) => Promise<Result>,
): Promise<Result> {
  const { retry, retryTokens, token } = settings;
  let waitedMs = 0;
  let failures = 0;
  let isRefused = false;
  let isReplaced = false;
  for (;;) {
    try {
      const result = await attempt({ isRefused });
      retryTokens.refill();
      return result;
    } catch (thrown) {
      if (!(thrown instanceof ClientError)) throw thrown;
      isRefused = thrown.status === 401 && typeof token === "function" && !isReplaced;
      if (isRefused) {
        isReplaced = true;
        continue;
      }
      failures += 1;
      if (!thrown.retryable || failures >= retry.attempts) throw thrown;
      const delayMs = chooseDelayMs(retry, failures, thrown.retryAfterMs);
      if (waitedMs + delayMs > retry.budgetMs || !retryTokens.take()) throw thrown;
      await sleep(delayMs, signal);
      waitedMs += delayMs;
    }
  }
}

/** Full jitter; the wait that the server asks for is never cut short. */
function chooseDelayMs(retry: ClientSettings["retry"], failures: number, retryAfterMs: number | null): number {
  if (retryAfterMs !== null) return retryAfterMs * (1 + SPREAD * Math.random());
  return Math.random() * Math.min(retry.delayMsMax, retry.firstDelayMs * 2 ** (failures - 1));
}

/** @throws ClientError of kind `aborted` */
export async function sleep(delayMs: number, signal: AbortSignal | null): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    if (signal?.aborted === true) throw createAbortError(signal);
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, delayMs);
    const stop = () => {
      clearTimeout(timer);
      reject(createAbortError(signal));
    };
    signal?.addEventListener("abort", stop, { once: true });
  });
}
