/**
 * Rate limits whose counters are of this process alone and are gone when it ends. Every call asks, so nothing here
 * waits.
 */

import { RATE_LIMIT_WINDOW_MS } from "@openai-compat/core";
import type { RateLimitStore } from "@openai-compat/core";
import { isWindowOpen } from "../rate-limit-window.ts";

export interface RateWindow {
  readonly endsAtMs: number;
  used: number;
}

/** @param windows by key. Default: none is open. */
export function createMemoryRateLimits(windows = new Map<string, RateWindow>()): RateLimitStore {
  let sweepWindow = { endsAtMs: 0 };

  /** @returns null when no window of this key is open. */
  function find(key: string, nowMs: number): RateWindow | null {
    const window = windows.get(key);
    return window !== undefined && isWindowOpen(window, nowMs) ? window : null;
  }

  function open(key: string, nowMs: number): RateWindow {
    if (!isWindowOpen(sweepWindow, nowMs)) sweep(nowMs);
    const window = { endsAtMs: nowMs + RATE_LIMIT_WINDOW_MS, used: 0 };
    windows.set(key, window);
    return window;
  }

  /** Once in a window, so that accounts that call no more are not remembered. */
  function sweep(nowMs: number): void {
    sweepWindow = { endsAtMs: nowMs + RATE_LIMIT_WINDOW_MS };
    for (const [key, window] of windows) if (!isWindowOpen(window, nowMs)) windows.delete(key);
  }

  return {
    async consume({ key, points, limit }) {
      const nowMs = Date.now();
      const found = find(key, nowMs);
      const used = found?.used ?? 0;
      const allowed = used + points <= limit || points === 0;
      if (!allowed || points === 0) {
        const resetMs = found === null ? 0 : found.endsAtMs - nowMs;
        return { allowed, remaining: Math.max(limit - used, 0), resetMs };
      }
      const window = found ?? open(key, nowMs);
      window.used += points;
      return { allowed, remaining: limit - window.used, resetMs: window.endsAtMs - nowMs };
    },
    async correct({ key, points }) {
      const window = find(key, Date.now());
      if (window !== null) window.used = Math.max(window.used + points, 0);
    },
    close: async () => {},
  };
}
