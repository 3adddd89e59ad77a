/** What the reference server counts: credits, calls and slots. */

import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/**
 * What the account `small` can pay for. Two more can pay for one such call and half of another, and the others for a few of
 * other operations.
 */
export const SMALL_CREDIT = { affordableCalls: 3, maxTokens: 16 };
/** Requests of the account `limited` before it is refused. */
export const LIMITED_REQUESTS = 3;

const CREDITS: Readonly<Record<string, number>> = {
  empty: 0,
  small: SMALL_CREDIT.affordableCalls * SMALL_CREDIT.maxTokens,
  streaming: 1.5 * SMALL_CREDIT.maxTokens,
  leaving: 1.5 * SMALL_CREDIT.maxTokens,
  completions: 100,
  "completions-stream": 100,
  responses: 100,
  "responses-stream": 100,
  embeddings: 700,
  transcriptions: 40,
  "transcriptions-stream": 40,
  translations: 40,
  speech: 400,
  "speech-stream": 400,
  realtime: 40,
};
const AMPLE_REQUESTS = 100_000;
/** The reference lives faster than a minute: a refused account is let in again after this. */
const PENALTY_MS = 150;

export interface Ledger {
  /** Whether the account can pay for so many tokens. */
  readonly covers: (account: string, tokens: number) => boolean;
  readonly charge: (account: string, tokens: number) => void;
}

/** One token costs one credit. Whoever is not listed pays nothing. */
export function createLedger(): Ledger {
  const balances = new Map(Object.entries(CREDITS));
  const read = (account: string): number => balances.get(account) ?? Infinity;
  return {
    covers: (account, tokens) => read(account) >= tokens,
    charge: (account, tokens) => void balances.set(account, read(account) - tokens),
  };
}

export interface RateFacts {
  readonly allowed: boolean;
  readonly limit: number;
  readonly remaining: number;
  /** Until everything is there again. */
  readonly resetMs: number;
}

export type RateLimiter = (account: string) => RateFacts;

/** Counts without a clock up to the limit, then refuses for a moment and begins anew: no slow machine changes that. */
export function createRateLimiter(): RateLimiter {
  const windows = new Map<string, { used: number; refusedUntilMs: number }>();
  return (account) => {
    const limit = account === "limited" ? LIMITED_REQUESTS : AMPLE_REQUESTS;
    const nowMs = performance.now();
    const known = windows.get(account) ?? { used: 0, refusedUntilMs: Infinity };
    const current = nowMs >= known.refusedUntilMs ? { used: 0, refusedUntilMs: Infinity } : known;
    const allowed = current.used < limit;
    const used = Math.min(limit, current.used + 1);
    const refusedUntilMs = allowed ? Infinity : Math.min(current.refusedUntilMs, nowMs + PENALTY_MS);
    windows.set(account, { used, refusedUntilMs });
    const resetMs = allowed ? PENALTY_MS : Math.ceil(refusedUntilMs - nowMs);
    return { allowed, limit, remaining: limit - used, resetMs };
  };
}

export interface Slots {
  /** Called with every call, whatever it asks for. */
  readonly note: () => void;
  /** Resolves when no call has come for a moment. */
  readonly settle: () => Promise<void>;
  /** Whether the model had a free slot; it is taken then. */
  readonly take: (model: string) => boolean;
  readonly free: (model: string) => void;
}

export const OVERLOAD = { concurrency: 2, waitingMax: 1 };

/**
 * What was sent together arrives within so long, and within so many turns of the event loop: a busy machine takes
 * longer.
 */
const MOMENT_MS = 120;
const MOMENT_TURNS = 6;

/**
 * Resolves when `count` has not changed for a moment: all that was sent together has arrived, however slow the machine
 * is.
 */
export async function waitForQuiet(count: () => number, momentMs = MOMENT_MS): Promise<void> {
  for (let known = Number.NaN; known !== count();) {
    known = count();
    await sleep(momentMs);
    for (let turn = 0; turn < MOMENT_TURNS && known === count(); turn += 1) await nextTurn();
  }
}

/** Slots of the slow models: those of calls that run and of calls that wait are one here. */
export function createSlots(): Slots {
  const taken = new Map<string, number>();
  let calls = 0;
  return {
    note: () => void (calls += 1),
    settle: () => waitForQuiet(() => calls),
    take: (model) => {
      const others = taken.get(model) ?? 0;
      if (others >= OVERLOAD.concurrency + OVERLOAD.waitingMax) return false;
      taken.set(model, others + 1);
      return true;
    },
    free: (model) => void taken.set(model, (taken.get(model) ?? 0) - 1),
  };
}
