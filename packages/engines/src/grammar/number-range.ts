/** Numbers between bounds, written without leading zeros. */

import { characters, choice, literal, repeat, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { DIGIT, FRACTION_DIGITS_MAX } from "./json-text.ts";

/** A double does not distinguish integers beyond this. */
const LARGEST = Number.MAX_SAFE_INTEGER;
/** Where there is no bound: all numbers of so many digits are one alternative. */
const LARGEST_UNBOUNDED = 10 ** 15 - 1;

export interface NumberBounds {
  /** Infinite for none. */
  readonly minimum: number;
  readonly maximum: number;
  /** Whether the bound itself is excluded. */
  readonly excludesMinimum: boolean;
  readonly excludesMaximum: boolean;
}

/** @returns null when no whole number is within. */
export function integerWithin(bounds: NumberBounds): GrammarNode | null {
  const least = Math.ceil(bounds.minimum);
  const most = Math.floor(bounds.maximum);
  return wholeNumbers(
    bounds.excludesMinimum && least === bounds.minimum ? least + 1 : least,
    bounds.excludesMaximum && most === bounds.maximum ? most - 1 : most,
  );
}

/**
 * Integers, and fractions between two integers that are both within the bounds; fractions between a bound and the next
 * integer are left out.
 *
 * @returns null when no whole number is within.
 */
export function numberWithin(bounds: NumberBounds): GrammarNode | null {
  const options: GrammarNode[] = [];
  const whole = integerWithin(bounds);
  if (whole !== null) options.push(whole);
  const fraction = sequence(literal("."), repeat(DIGIT, 0, FRACTION_DIGITS_MAX - 1), characters("", ["1", "9"]));
  const from = Math.ceil(bounds.minimum);
  const to = Math.floor(bounds.maximum);
  // Truncation moves a number towards 0.
  const above = wholeNumbers(Math.max(0, from), to - 1);
  if (above !== null) options.push(sequence(above, fraction));
  const below = wholeNumbers(Math.max(0, -to), -from - 1);
  if (below !== null) options.push(sequence(literal("-"), below, fraction));
  return options.length === 0 ? null : choice(...options);
}

function wholeNumbers(least: number, most: number): GrammarNode | null {
  const from = Number.isFinite(least) ? Math.max(least, -LARGEST) : -LARGEST_UNBOUNDED;
  const to = Number.isFinite(most) ? Math.min(most, LARGEST) : Math.max(LARGEST_UNBOUNDED, Math.min(from, LARGEST));
  if (from > to) return null;
  const options: GrammarNode[] = [];
  if (from < 0) options.push(sequence(literal("-"), naturals(Math.max(1, -to), -from)));
  if (to >= 0) options.push(naturals(Math.max(0, from), to));
  return choice(...options);
}

/** One option for each number of digits, and one for all lengths that are entirely within the bounds. */
function naturals(least: number, most: number): GrammarNode {
  const options: GrammarNode[] = [];
  const whole: number[] = [];
  for (let digits = String(least).length; digits <= String(most).length; digits += 1) {
    const [smallest, largest] = [digits === 1 ? 0 : 10 ** (digits - 1), 10 ** digits - 1];
    if (least <= smallest && largest <= most && digits > 1) whole.push(digits);
    else options.push(sameLength(String(Math.max(least, smallest)), String(Math.min(most, largest))));
  }
  const [fewest] = whole;
  if (fewest !== undefined) {
    options.push(sequence(characters("", ["1", "9"]), repeat(DIGIT, fewest - 1, fewest + whole.length - 2)));
  }
  return choice(...options);
}

/** All digits between two texts of the same length. */
function sameLength(from: string, to: string): GrammarNode {
  const [first = "", last = ""] = [from[0], to[0]];
  const rest = from.length - 1;
  if (rest === 0) return digitBetween(first, last);
  if (first === last) return sequence(literal(first), sameLength(from.slice(1), to.slice(1)));
  const [zeros, nines] = ["0".repeat(rest), "9".repeat(rest)];
  const isWholeFirst = from.slice(1) === zeros;
  const isWholeLast = to.slice(1) === nines;
  const options: GrammarNode[] = [];
  if (!isWholeFirst) options.push(sequence(literal(first), sameLength(from.slice(1), nines)));
  const start = Number(first) + (isWholeFirst ? 0 : 1);
  const end = Number(last) - (isWholeLast ? 0 : 1);
  if (start <= end) options.push(sequence(digitBetween(String(start), String(end)), repeat(DIGIT, rest, rest)));
  if (!isWholeLast) options.push(sequence(literal(last), sameLength(zeros, to.slice(1))));
  return choice(...options);
}

function digitBetween(first: string, last: string): GrammarNode {
  return first === last ? literal(first) : characters("", [first, last]);
}
