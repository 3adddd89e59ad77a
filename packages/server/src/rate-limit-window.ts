/** When a window of a limit is over. */

import { RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";

/**
 * A window that would go on for longer than a whole one was opened before the clock was set back: it counts as over, or
 * an account that had used its limit up would be refused until the clock is there again.
 *
 * @param nowMs milliseconds since the epoch, as `endsAtMs`.
 */
export function isWindowOpen({ endsAtMs }: { readonly endsAtMs: number }, nowMs: number): boolean {
  return endsAtMs > nowMs && endsAtMs <= nowMs + RATE_LIMIT_WINDOW_MS;
}
