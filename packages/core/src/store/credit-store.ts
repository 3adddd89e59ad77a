/**
 * Where credits live. Amounts are integers in micro-credits (a millionth of a credit), at most 2^53 - 1.
 *
 * A call is paid in two phases, as in TigerBeetle's two-phase transfers: `hold` reserves an upper bound, then exactly
 * one of `settle`, `void` and expiry resolves it. What is available is the balance less what is held; no method lets it
 * fall below zero, whatever runs side by side in this process or in others on the same store.
 */

import type { BilledOperation, UsageUnits } from "../usage.ts";

export interface NewHold {
  /** Unique; chosen by the caller. */
  readonly id: string;
  readonly accountId: string;
  /** At least 1. */
  readonly amount: number;
  readonly nowMs: number;
  /**
   * From then on `expireHolds` gives the amount back. Until it has done so, the hold can still be settled or voided.
   */
  readonly expiresAtMs: number;
}

/** `insufficient` changes nothing; an account that was never granted anything has 0 available. */
export type HoldOutcome = { readonly held: true } | { readonly held: false; readonly available: number };

export interface UsageRecord {
  readonly accountId: string;
  readonly operation: BilledOperation;
  readonly modelId: string;
  readonly requestId: string;
  readonly units: UsageUnits;
  /** Micro-credits charged, 0 or more. */
  readonly amount: number;
  readonly nowMs: number;
}

export interface Settlement extends UsageRecord {
  /** A hold of the same account. */
  readonly holdId: string;
}

/** `gone`: the hold was settled, voided or expired before, or never was; nothing has changed. */
export type ResolveOutcome = "resolved" | "gone";

export interface Balance {
  /** Everything granted less everything charged. */
  readonly balance: number;
  /** The part of it that is reserved for running calls. */
  readonly held: number;
}

export interface Grant {
  /** Unique; granting again under the same id changes nothing, so a retry is safe. */
  readonly id: string;
  readonly accountId: string;
  /** Positive, or negative to take credits back; never more than is available. No balance goes beyond 2^53 - 1. */
  readonly amount: number;
  /** Why, for the log; at most 200 characters. */
  readonly note: string;
  readonly nowMs: number;
}

/** One change of a balance. The sum of an account's `amount`s is its balance. */
export type LedgerEntry =
  | {
      readonly kind: "grant";
      readonly accountId: string;
      /** Signed: what the balance changed by. */
      readonly amount: number;
      readonly note: string;
      readonly createdAtMs: number;
    }
  | {
      readonly kind: "usage";
      readonly accountId: string;
      /** Negative or 0: what the balance changed by. */
      readonly amount: number;
      readonly operation: BilledOperation;
      readonly modelId: string;
      readonly requestId: string;
      readonly units: UsageUnits;
      readonly createdAtMs: number;
    };

export interface LedgerQuery {
  /** Null for every account. */
  readonly accountId: string | null;
  /** 1 to 10,000. */
  readonly limit: number;
}

/** Every method throws `Error`, and changes nothing, for amounts, units and limits out of the ranges above. */
export interface CreditStore {
  /** @throws Error when there is a hold with this id. */
  hold(hold: NewHold): Promise<HoldOutcome>;
  /**
   * Charges `amount`, gives the rest of the hold back and writes the log entry, all or nothing. An amount above the
   * hold's, or another account, is an error of the caller's: `Error`, and nothing has changed.
   */
  settle(settlement: Settlement): Promise<ResolveOutcome>;
  /** Gives the whole hold back and logs nothing. */
  void(holdId: string): Promise<ResolveOutcome>;
  /** Gives back every hold whose time has come. @returns how many. */
  expireHolds(nowMs: number): Promise<number>;
  /** Logs a call that cost nothing, so `amount` is 0. @throws Error for any other amount. */
  recordFree(record: UsageRecord): Promise<void>;
  /** @returns the balance after it. @throws Error for 0, and when a negative amount takes more than is available. */
  grant(grant: Grant): Promise<Balance>;
  readBalance(accountId: string): Promise<Balance>;
  /** Newest first; of the same millisecond, the one that was written last. */
  listEntries(query: LedgerQuery): Promise<readonly LedgerEntry[]>;
  /** What was asked for before still ends. */
  close(): Promise<void>;
}
