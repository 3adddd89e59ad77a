/**
 * Resolves holds, and goes on trying when the store fails: with growing pauses, until the hold expires. An answer that
 * has been given is never taken back because its settlement is late, so nothing here rejects.
 */

import { AiError } from "../ai-error.ts";
import type { ResolveOutcome } from "../store/credit-store.ts";

export interface Settlement {
  readonly requestId: string;
  /** Settles, voids or logs. It may be called again after a failure. */
  readonly attempt: () => Promise<ResolveOutcome>;
  /** Milliseconds since the epoch. After the first failure from then on there is no further attempt. */
  readonly expiresAtMs: number;
}

export interface SettlementsOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called when a settlement goes on in the background, with why and the call's request id. */
  readonly onPending: (error: AiError, requestId: string) => void;
  /** Called for a settlement that is given up or may have been too late, with why and the call's request id. */
  readonly onLost: (error: AiError, requestId: string) => void;
}

export interface Settlements {
  /** Resolves when it is settled, given up, or after `SETTLEMENT_WAIT_MS_MAX`: then it goes on in the background. */
  resolve(settlement: Settlement): Promise<void>;
  /** Settlements that have begun and not ended. */
  readonly pending: number;
  /** Tries what is pending again at once, for at most `SETTLEMENT_DRAIN_MS_MAX`, and gives up the rest. */
  close(): Promise<void>;
}

/** How long the end of an answer waits for its settlement. */
export const SETTLEMENT_WAIT_MS_MAX = 1000;
/** How long the shutdown waits for settlements that are pending. */
export const SETTLEMENT_DRAIN_MS_MAX = 5000;
/** Pending settlements beyond which no new call is charged for: they are kept in memory. */
export const SETTLEMENTS_PENDING_MAX = 10_000;

const FIRST_PAUSE_MS = 50;
const PAUSE_FACTOR = 4;
const PAUSE_MS_MAX = 30_000;
const PAUSE_MS_MAX_CLOSING = 500;

export function createSettlements(options: SettlementsOptions): Settlements {
  const running = new Set<Promise<void>>();
  const pauses = createPauses();

  async function run(settlement: Settlement): Promise<void> {
    for (let failures = 0; ; failures += 1) {
      try {
        const outcome = await settlement.attempt();
        if (outcome === "gone") reportGone(settlement, failures, options);
        return;
      } catch (thrown) {
        const error = storeFailed(thrown);
        if (failures === 0) options.onPending(error, settlement.requestId);
        const isGivenUp = options.now() >= settlement.expiresAtMs || !(await pauses.take(failures));
        if (!isGivenUp) continue;
        options.onLost(error, settlement.requestId);
        return;
      }
    }
  }

  return {
    async resolve(settlement) {
      const ended = run(settlement);
      running.add(ended);
      void ended.then(() => running.delete(ended));
      await within(ended, SETTLEMENT_WAIT_MS_MAX);
    },
    get pending() {
      return running.size;
    },
    async close() {
      pauses.hurry();
      await within(Promise.all(running), SETTLEMENT_DRAIN_MS_MAX);
      pauses.stop();
      // An attempt that hangs is not waited for: only its pause can be ended.
    },
  };
}

/**
 * After a failure "gone" says that an attempt had worked and only its answer was lost, unless the hold may have
 * expired.
 */
function reportGone({ requestId, expiresAtMs }: Settlement, failures: number, options: SettlementsOptions): void {
  if (failures > 0 && options.now() < expiresAtMs) return;
  options.onLost(storeFailed(new Error("The hold had expired before the call was settled.")), requestId);
}

function storeFailed(cause: unknown): AiError {
  return new AiError("billing_unavailable", "The credits of this account can't be changed right now.", { cause });
}

/** Waits for the work, but no longer than this. The work goes on. @throws what the work throws until then */
export function within(work: Promise<unknown>, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, timeoutMs);
    const settle = (then: () => void) => {
      clearTimeout(timer);
      then();
    };
    work.then(
      () => settle(resolve),
      (thrown: unknown) => settle(() => reject(thrown)),
    );
  });
}

/** The pauses between attempts, which a shutdown can shorten and end. */
function createPauses() {
  const ends = new Set<(goesOn: boolean) => void>();
  let phase: "open" | "hurried" | "stopped" = "open";
  const endAll = (goesOn: boolean) => {
    for (const end of ends) end(goesOn);
  };
  return {
    /** @returns whether to go on afterwards. */
    async take(failures: number): Promise<boolean> {
      if (phase === "stopped") return false;
      const longestMs = phase === "open" ? PAUSE_MS_MAX : PAUSE_MS_MAX_CLOSING;
      const pauseMs = Math.min(longestMs, FIRST_PAUSE_MS * PAUSE_FACTOR ** failures);
      const { promise, resolve } = Promise.withResolvers<boolean>();
      const timer = setTimeout(() => resolve(true), pauseMs);
      // A graceful stop drains first.
      timer.unref();
      ends.add(resolve);
      try {
        return await promise;
      } finally {
        clearTimeout(timer);
        ends.delete(resolve);
      }
    },
    hurry(): void {
      phase = "hurried";
      endAll(true);
    },
    stop(): void {
      phase = "stopped";
      endAll(false);
    },
  };
}
