/**
 * Money in two phases: an upper bound is reserved before any work, and what was really used is charged after, once,
 * however the call ended. A store that fails refuses the call; nothing is computed on credit.
 */

import { setTimeout as delay } from "node:timers/promises";
import { AiError } from "../ai-error.ts";
import type { CreditStore, ResolveOutcome } from "../store/credit-store.ts";
import { priceUsage } from "./prices.ts";
import type { Prices } from "./prices.ts";
import type { BilledOperation, UsageUnits } from "./usage.ts";

/** Who pays for what. */
export interface Bill {
  readonly accountId: string;
  readonly operation: BilledOperation;
  readonly modelId: string;
  readonly requestId: string;
  readonly prices: Prices;
}

/** Reserved credits; exactly one of the two is called, once. */
export interface Reservation {
  /** Micro-credits; 0 for a call that can't cost anything. */
  readonly amount: number;
  /**
   * Charges what the units cost, never more than was reserved, and logs the call.
   *
   * @returns the micro-credits that were charged. @throws AiError `billing_unavailable`
   */
  settle(units: UsageUnits): Promise<number>;
  /** Gives everything back; nothing is logged. @throws AiError `billing_unavailable` */
  void(): Promise<void>;
}

export interface Billing {
  /**
   * @param bound the most that the call can use.
   * @throws AiError `quota_exceeded`, `billing_unavailable`
   */
  reserve(bill: Bill, bound: UsageUnits): Promise<Reservation>;
}

export interface BillingOptions {
  readonly store: CreditStore;
  /** After which a reservation that nobody resolved is given back: longer than any call may wait and run. */
  readonly holdLifetimeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export function createBilling({ store, holdLifetimeMs, now }: BillingOptions): Billing {
  return {
    async reserve(bill, bound) {
      const amount = priceUsage(bill.prices, bound);
      if (amount === 0) return reserveNothing(store, bill, now);
      const id = `hold_${crypto.randomUUID()}`;
      const nowMs = now();
      const hold = { id, accountId: bill.accountId, amount, nowMs, expiresAtMs: nowMs + holdLifetimeMs };
      const outcome = await store.hold(hold).catch((thrown: unknown) => {
        throw billingUnavailable(thrown);
      });
      if (!outcome.held) throw quotaExceeded(amount, outcome.available);
      return {
        amount,
        async settle(units) {
          const charged = Math.min(priceUsage(bill.prices, units), amount);
          await resolve(() => store.settle({ ...describeUse(bill, units, now()), amount: charged, holdId: id }));
          return charged;
        },
        void: () => resolve(() => store.void(id)),
      };
    },
  };
}

function reserveNothing(store: CreditStore, bill: Bill, now: () => number): Reservation {
  return {
    amount: 0,
    async settle(units) {
      await insist(() => store.recordFree({ ...describeUse(bill, units, now()), amount: 0 }));
      return 0;
    },
    void: async () => {},
  };
}

function describeUse({ accountId, operation, modelId, requestId }: Bill, units: UsageUnits, nowMs: number) {
  return { accountId, operation, modelId, requestId, units, nowMs };
}

/** A store that blinks must not lose a bill: the work is done, so it is worth to ask again. */
const RETRY_DELAYS_MS = [50, 250];

async function insist<Outcome>(attempt: () => Promise<Outcome>): Promise<{ outcome: Outcome; failures: number }> {
  for (const [failures, delayMs] of RETRY_DELAYS_MS.entries()) {
    try {
      return { outcome: await attempt(), failures };
    } catch {
      await delay(delayMs);
    }
  }
  const outcome = await attempt().catch((thrown: unknown) => {
    throw billingUnavailable(thrown);
  });
  return { outcome, failures: RETRY_DELAYS_MS.length };
}

async function resolve(attempt: () => Promise<ResolveOutcome>): Promise<void> {
  const { outcome, failures } = await insist(attempt);
  // After a failure "gone" says that the attempt had worked and only its answer was lost.
  if (outcome === "gone" && failures === 0) {
    throw billingUnavailable(new Error("The hold had expired before the call ended."));
  }
}

function billingUnavailable(cause: unknown): AiError {
  return new AiError(
    "billing_unavailable",
    "The credits of this account can't be checked right now. Please try again.",
    {
      cause,
      retryAfterMs: 1000,
    },
  );
}

function quotaExceeded(amount: number, available: number): AiError {
  const message =
    "You exceeded your current quota: this call may cost up to " +
    `${formatCredits(amount)} credits and ${formatCredits(available)} are available. ` +
    "Add credits, ask for fewer tokens, or wait for running calls to end.";
  return new AiError("quota_exceeded", message);
}

const MICRO_CREDITS = 1_000_000;

function formatCredits(amount: number): string {
  const fraction = String(amount % MICRO_CREDITS)
    .padStart(6, "0")
    .replace(/0+$/, "");
  return `${Math.floor(amount / MICRO_CREDITS)}${fraction === "" ? "" : `.${fraction}`}`;
}
