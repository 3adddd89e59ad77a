/**
 * Money in two phases: an upper bound is reserved before anything of an answer is computed, and what was really used is
 * charged after, once, however the call ended. A store that fails before the work refuses the call, so nothing is
 * answered on credit; one that fails after it is asked again in the background.
 */

import { AiError } from "../ai-error.ts";
import type { CreditStore } from "../store/credit-store.ts";
import { priceUsage } from "./prices.ts";
import type { Prices } from "./prices.ts";
import { SETTLEMENTS_PENDING_MAX, createSettlements } from "./settlements.ts";
import type { Settlements, SettlementsOptions } from "./settlements.ts";
import type { BilledOperation, UsageUnits } from "../usage.ts";

/** The account, and what it is charged for. */
export interface Bill {
  readonly accountId: string;
  readonly operation: BilledOperation;
  readonly modelId: string;
  readonly requestId: string;
  readonly prices: Prices;
}

/** Reserved credits; exactly one of the two is called, once. Neither rejects: see `Settlements`. */
export interface Reservation {
  /** Micro-credits; 0 for a call that can't cost anything. */
  readonly amount: number;
  /**
   * Charges what the units cost, never more than was reserved, and logs the call.
   *
   * @returns the micro-credits that are charged, now or in the background.
   */
  settle(units: UsageUnits): Promise<number>;
  /** Gives everything back; nothing is logged. */
  void(): Promise<void>;
}

export interface Billing {
  /**
   * Refuses an account without any credits. One read at most, nothing is held.
   *
   * @throws AiError `quota_exceeded`, `billing_unavailable`
   */
  requireCredits(accountId: string): Promise<void>;
  /**
   * @param bound the most that the call can use.
   * @throws AiError `quota_exceeded`; `billing_unavailable`, also while too many calls are not settled
   */
  reserve(bill: Bill, bound: UsageUnits): Promise<Reservation>;
  /** Settlements that have begun and not ended. */
  readonly pendingSettlements: number;
  /** Waits, within bounds, for settlements that are pending. */
  close(): Promise<void>;
}

export interface BillingOptions extends SettlementsOptions {
  readonly store: CreditStore;
  /** Time after which an unresolved reservation expires: longer than any call may wait and run. */
  readonly holdLifetimeMs: number;
}

/** How long an account that had credits is not read again: the hold that follows refuses one that has none by then. */
const CREDITS_SEEN_MS = 1000;
const SEEN = Promise.resolve();
/** Accounts that are remembered as having credits. */
const ACCOUNTS_SEEN_MAX = 10_000;

function createCreditCheck({ store, now }: Pick<BillingOptions, "store" | "now">) {
  const seenAtMs = new Map<string, number>();

  async function look(accountId: string): Promise<void> {
    seenAtMs.delete(accountId);
    const { balance, held } = await store.readBalance(accountId).catch(refuseUnavailable);
    if (balance <= held) throw noCredits();
    if (seenAtMs.size >= ACCOUNTS_SEEN_MAX) seenAtMs.clear();
    seenAtMs.set(accountId, now());
  }

  return {
    /** Mostly it has nothing to do, and makes no promise then. */
    require(accountId: string): Promise<void> {
      const isSeen = now() - (seenAtMs.get(accountId) ?? Number.NEGATIVE_INFINITY) < CREDITS_SEEN_MS;
      return isSeen ? SEEN : look(accountId);
    },
    forget: (accountId: string) => void seenAtMs.delete(accountId),
  };
}

export function createBilling(options: BillingOptions): Billing {
  const { store, holdLifetimeMs, now } = options;
  const settlements = createSettlements(options);
  const check = createCreditCheck(options);
  return {
    requireCredits: (accountId) => check.require(accountId),
    async reserve(bill, bound) {
      if (settlements.pending >= SETTLEMENTS_PENDING_MAX) {
        refuseUnavailable(new Error(`${settlements.pending} settlements are pending.`));
      }
      const amount = priceUsage(bill.prices, bound);
      const nowMs = now();
      const expiresAtMs = nowMs + holdLifetimeMs;
      if (amount === 0) return reserveNothing(bill, { store, settlements, now, expiresAtMs });
      const id = `hold_${crypto.randomUUID()}`;
      const hold = { id, accountId: bill.accountId, amount, nowMs, expiresAtMs };
      const outcome = await store.hold(hold).catch(refuseUnavailable);
      if (!outcome.held) {
        check.forget(bill.accountId);
        throw quotaExceeded(amount, outcome.available);
      }
      const { requestId } = bill;
      return {
        amount,
        async settle(units) {
          const charged = Math.min(priceUsage(bill.prices, units), amount);
          const settlement = { ...describeUse(bill, units, now()), amount: charged, holdId: id };
          await settlements.resolve({ requestId, expiresAtMs, attempt: () => store.settle(settlement) });
          return charged;
        },
        void: () => settlements.resolve({ requestId, expiresAtMs, attempt: () => store.void(id) }),
      };
    },
    get pendingSettlements() {
      return settlements.pending;
    },
    close: () => settlements.close(),
  };
}

interface FreeCall {
  readonly store: CreditStore;
  readonly settlements: Settlements;
  readonly now: () => number;
  readonly expiresAtMs: number;
}

function reserveNothing(bill: Bill, { store, settlements, now, expiresAtMs }: FreeCall): Reservation {
  return {
    amount: 0,
    async settle(units) {
      const record = { ...describeUse(bill, units, now()), amount: 0 };
      const attempt = async () => {
        await store.recordFree(record);
        return "resolved" as const;
      };
      await settlements.resolve({ requestId: bill.requestId, expiresAtMs, attempt });
      return 0;
    },
    void: async () => {},
  };
}

function describeUse({ accountId, operation, modelId, requestId }: Bill, units: UsageUnits, nowMs: number) {
  return { accountId, operation, modelId, requestId, units, nowMs };
}

/** @throws AiError `billing_unavailable`, always */
function refuseUnavailable(cause: unknown): never {
  throw new AiError(
    "billing_unavailable",
    "The credits of this account can't be checked right now. Please try again.",
    { cause, retryAfterMs: 1000 },
  );
}

function noCredits(): AiError {
  const message =
    "You exceeded your current quota: no credits are available. Add credits, or wait for running calls to end.";
  return new AiError("quota_exceeded", message);
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
