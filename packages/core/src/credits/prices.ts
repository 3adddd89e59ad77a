/**
 * Units to micro-credits. Prices are integers for a large number of units, as providers quote them, so that a price far
 * below a micro-credit per token can be said exactly; the amount of a call is rounded up once, at the end.
 */

import type { UsageUnits } from "../usage.ts";

/** What a model's units cost, in micro-credits: non-negative integers, 0 is free. */
export interface Prices {
  readonly perMillionInputTokens: number;
  readonly perMillionOutputTokens: number;
  readonly perMillionCharacters: number;
  readonly perMinuteOfAudio: number;
}

export const FREE_OF_CHARGE: Prices = {
  perMillionInputTokens: 0,
  perMillionOutputTokens: 0,
  perMillionCharacters: 0,
  perMinuteOfAudio: 0,
};

/** Whether no units cost anything. */
export function isFree(prices: Prices): boolean {
  const { perMillionInputTokens, perMillionOutputTokens, perMillionCharacters, perMinuteOfAudio } = prices;
  return perMillionInputTokens + perMillionOutputTokens + perMillionCharacters + perMinuteOfAudio === 0;
}

const MILLION = 1_000_000n;
const MINUTE_MS = 60_000n;
const DENOMINATOR = MILLION * MINUTE_MS;

/**
 * What the units cost, in micro-credits. More than 2^53 - 1 is cut to that: no balance reaches it.
 *
 * @throws RangeError when a unit or a price is no integer.
 */
export function priceUsage(prices: Prices, units: UsageUnits): number {
  const perMillion =
    BigInt(units.inputTokens) * BigInt(prices.perMillionInputTokens) +
    BigInt(units.outputTokens) * BigInt(prices.perMillionOutputTokens) +
    BigInt(units.characters) * BigInt(prices.perMillionCharacters);
  // One denominator for both, so that one rounding is enough.
  const total = perMillion * MINUTE_MS + BigInt(units.audioMs) * BigInt(prices.perMinuteOfAudio) * MILLION;
  const amount = (total + DENOMINATOR - 1n) / DENOMINATOR;
  return amount > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(amount);
}
