/**
 * What every credit store refuses before it looks at its data: amounts and units that are no integers in range. What
 * depends on the data, a balance for one, is each store's business.
 */

import type { Balance, Grant, LedgerQuery, NewHold, Settlement, UsageRecord } from "@openai-compat/core";

export const NOTE_LENGTH_MAX = 200;
export const ENTRIES_LISTED_MAX = 10_000;

/** @throws RangeError */
export function checkHold(hold: NewHold): void {
  checkInteger("A hold's amount", hold.amount, 1);
  checkInteger("A hold's expiresAtMs", hold.expiresAtMs, 0);
}

/** Of a call that was paid, or of one that was free. @throws RangeError */
export function checkUsage(record: UsageRecord | Settlement): void {
  checkInteger("The amount of a call", record.amount, 0);
  checkInteger("The time of a call", record.nowMs, 0);
  const { inputTokens, cachedTokens, outputTokens, audioMs, characters } = record.units;
  checkInteger("A call's inputTokens", inputTokens, 0);
  checkInteger("A call's cachedTokens", cachedTokens, 0);
  checkInteger("A call's outputTokens", outputTokens, 0);
  checkInteger("A call's audioMs", audioMs, 0);
  checkInteger("A call's characters", characters, 0);
}

/** @throws RangeError */
export function checkFree(record: UsageRecord): void {
  checkUsage(record);
  if (record.amount !== 0) throw new RangeError("A free call costs 0: a call that costs something is settled.");
}

/** @throws RangeError */
export function checkGrant(grant: Grant): void {
  checkInteger("A grant's amount", Math.abs(grant.amount), 1);
  checkInteger("A grant's time", grant.nowMs, 0);
  if (grant.note.length > NOTE_LENGTH_MAX) throw new RangeError(`A note has at most ${NOTE_LENGTH_MAX} characters.`);
}

/** @throws RangeError */
export function checkQuery(query: LedgerQuery): void {
  checkInteger("The limit of a list", query.limit, 1);
  if (query.limit > ENTRIES_LISTED_MAX) throw new RangeError(`A list has at most ${ENTRIES_LISTED_MAX} entries.`);
}

function checkInteger(name: string, value: number, least: number): void {
  if (Number.isSafeInteger(value) && value >= least) return;
  throw new RangeError(`${name} has to be an integer from ${least} to 2^53 - 1.`);
}

/** @throws Error when the balance after a grant would be below what is held, or above what a number holds exactly. */
export function checkGrantedBalance({ balance, held }: Balance, amount: number): void {
  if (-amount > balance - held) throw new Error("A grant can't take more than is available.");
  if (amount > Number.MAX_SAFE_INTEGER - balance) throw new RangeError("A balance can't go beyond 2^53 - 1.");
}

/** What a hold and its settlement have to agree on. @throws Error */
export function checkAgainstHold(
  settlement: Settlement,
  hold: { readonly accountId: string; readonly amount: number },
): void {
  if (settlement.accountId !== hold.accountId) throw new Error("A settlement has to name the account of its hold.");
  if (settlement.amount > hold.amount) throw new RangeError("A call can't cost more than its hold.");
}
