/**
 * Money in two phases: an upper bound is reserved before anything of an answer is computed, and what was really used is
 * charged after, once, however the call ended. A store that fails before the work refuses the call, so nothing is
 * answered on credit; one that fails after it is asked again in the background.
 */

import { AiError } from "../ai-error.ts";
import type { CreditStore } from "../store/credit-store.ts";
import type { CallCheckpoint } from "./call-checkpoint.ts";
import { priceUsage } from "./prices.ts";
import type { Prices } from "./prices.ts";
import { SETTLEMENTS_PENDING_MAX, createSettlements } from "./settlements.ts";
import { addUnits, isNothing, splitUsage } from "./stretches.ts";
import type { StretchUse } from "./stretches.ts";
import type { Settlements, SettlementsOptions } from "./settlements.ts";
import type { BilledOperation, UsageUnits } from "../usage.ts";

/** The account, and what it is charged for. */
export interface Bill {
  readonly accountId: string;
  readonly operation: BilledOperation;
  readonly modelId: string;
  readonly requestId: string;
  readonly prices: Prices;
  /** Time after which an unresolved hold of it expires: longer than the call may wait and run. */
  readonly holdLifetimeMs: number;
}

/** Reserved credits; `settle` or `void` is called, once, and last. Neither rejects: see `Settlements`. */
export interface Reservation {
  /** Micro-credits, those of extensions included; 0 for a call that can't cost anything. */
  readonly amount: number;
  /** In the order in which they were taken; none for a call that can't cost anything. */
  readonly holds: CallCheckpoint["holds"];
  /**
   * Reserves more, by a hold of its own: what was reserved stays as it is.
   *
   * @throws AiError as `reserve`
   */
  extend(more: UsageUnits): Promise<void>;
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
  const { store, now } = options;
  const settlements = createSettlements(options);
  const check = createCreditCheck(options);

  function requireRoom(): void {
    if (settlements.pending < SETTLEMENTS_PENDING_MAX) return;
    refuseUnavailable(new Error(`${settlements.pending} settlements are pending.`));
  }

  async function hold({ accountId, holdLifetimeMs }: Bill, amount: number): Promise<Hold> {
    requireRoom();
    const nowMs = now();
    const held = { id: `hold_${crypto.randomUUID()}`, accountId, amount, nowMs, expiresAtMs: nowMs + holdLifetimeMs };
    const outcome = await store.hold(held).catch(refuseUnavailable);
    if (outcome.held) return held;
    check.forget(accountId);
    throw quotaExceeded(amount, outcome.available);
  }

  return {
    requireCredits: (accountId) => check.require(accountId),
    async reserve(bill, bound) {
      const amount = priceUsage(bill.prices, bound);
      if (amount === 0) {
        requireRoom();
        return reserveNothing(bill, { store, settlements, now, expiresAtMs: now() + bill.holdLifetimeMs });
      }
      const first = { ...(await hold(bill, amount)), until: bound };
      return createReservation(bill, first, { store, settlements, now, hold });
    },
    get pendingSettlements() {
      return settlements.pending;
    },
    close: () => settlements.close(),
  };
}

interface Hold {
  readonly id: string;
  readonly amount: number;
  readonly expiresAtMs: number;
}

interface HeldStretch extends Hold {
  until: UsageUnits;
}

interface ReservationSteps {
  readonly store: CreditStore;
  readonly settlements: Settlements;
  readonly now: () => number;
  readonly hold: (bill: Bill, amount: number) => Promise<Hold>;
}

/** Holds are taken one after the other, and resolved together. */
function createReservation(bill: Bill, first: HeldStretch, steps: ReservationSteps): Reservation {
  const { store, settlements, now, hold } = steps;
  const { requestId, prices } = bill;
  const stretches = [first];
  let last = first;
  let isResolved = false;

  const giveBack = ({ id, expiresAtMs }: Hold) =>
    settlements.resolve({ requestId, expiresAtMs, attempt: () => store.void(id) });
  const charge = ({ id, expiresAtMs }: Hold, { units, amount }: StretchUse) => {
    const settlement = { ...describeUse(bill, units, now()), amount, holdId: id };
    return settlements.resolve({ requestId, expiresAtMs, attempt: () => store.settle(settlement) });
  };

  return {
    get amount() {
      return stretches.reduce((sum, { amount }) => sum + amount, 0);
    },
    get holds() {
      return stretches.map(({ id, amount, until }) => ({ id, amount, until }));
    },
    async extend(more) {
      const until = addUnits(last.until, more);
      const amount = priceUsage(prices, until) - priceUsage(prices, last.until);
      if (amount === 0) {
        last.until = until;
        return;
      }
      const held = await hold(bill, amount);
      if (isResolved) {
        await giveBack(held);
        throw new AiError("cancelled", "The call had ended before more credits were held for it.");
      }
      last = { ...held, until };
      stretches.push(last);
    },
    async settle(units) {
      isResolved = true;
      const uses = splitUsage(prices, stretches, units);
      await Promise.all(
        stretches.map((stretch, index) => {
          const use = uses[index];
          // The first one logs the call, whatever it used.
          const isUsed = use !== undefined && (index === 0 || !isNothing(use.units));
          return isUsed ? charge(stretch, use) : giveBack(stretch);
        }),
      );
      return uses.reduce((sum, { amount }) => sum + amount, 0);
    },
    async void() {
      isResolved = true;
      await Promise.all(stretches.map(giveBack));
    },
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
    holds: [],
    extend: async () => {},
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
