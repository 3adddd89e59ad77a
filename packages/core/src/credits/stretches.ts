/**
 * Splits what a call used over the holds that were taken for it one after the other, each for a further stretch of
 * usage: the amounts add up to what the whole costs, and none is above its hold.
 */

import type { UsageUnits } from "../usage.ts";
import { priceUsage } from "./prices.ts";
import type { Prices } from "./prices.ts";

export interface Stretch {
  /** Micro-credits that are held for it. */
  readonly amount: number;
  /** What may have been used when it ends, that of earlier stretches included. */
  until: UsageUnits;
}

export interface StretchUse {
  readonly units: UsageUnits;
  readonly amount: number;
}

/** @returns one for each stretch; what was used beyond the last is counted there and not charged. */
export function splitUsage(prices: Prices, stretches: readonly Stretch[], used: UsageUnits): readonly StretchUse[] {
  const shares: StretchUse[] = [];
  let before = mapUnits(() => 0);
  for (const [index, { amount, until }] of stretches.entries()) {
    const isLast = index === stretches.length - 1;
    const upTo = mapUnits((unit) => (isLast ? used[unit] : Math.min(used[unit], until[unit])));
    const start = before;
    const cost = priceUsage(prices, upTo) - priceUsage(prices, start);
    shares.push({ units: mapUnits((unit) => upTo[unit] - start[unit]), amount: Math.min(cost, amount) });
    before = upTo;
  }
  return shares;
}

export function addUnits(left: UsageUnits, right: UsageUnits): UsageUnits {
  return mapUnits((unit) => left[unit] + right[unit]);
}

export function isNothing(units: UsageUnits): boolean {
  return Object.values(units).every((count) => count === 0);
}

function mapUnits(count: (unit: keyof UsageUnits) => number): UsageUnits {
  return {
    inputTokens: count("inputTokens"),
    cachedTokens: count("cachedTokens"),
    outputTokens: count("outputTokens"),
    audioMs: count("audioMs"),
    characters: count("characters"),
  };
}
