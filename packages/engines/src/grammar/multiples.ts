/** An automaton of the decimal texts of the multiples of a number. */

import { AutomatonStates } from "./automaton/automaton.ts";
import type { Automaton } from "./automaton/automaton.ts";
import type { CharacterSet } from "./automaton/character-classes.ts";
import type { Spend } from "./work-budget.ts";

/** Remainders with states of their own, for each number of decimals. */
const REMAINDERS_MAX = 1000;
const DECIMALS_MAX = 12;

/** `0` to `9`, the sign, the point. */
const CLASSES: readonly CharacterSet[] = Array.from("0123456789-.", (character): CharacterSet => {
  const code = character.codePointAt(0) ?? 0;
  return [[code, code]];
});
const [SIGN, POINT] = [10, 11];

/** The state after some digits: the remainder, and the number of decimals; -1 before the point. */
interface Place {
  readonly remainder: number;
  readonly decimals: number;
}

/**
 * The multiples of a step, in plain notation. Other texts may be accepted too: intersect it with numbers.
 *
 * @returns null for a step of too many digits.
 */
export function multiplesOf(step: number, spend: Spend): Automaton | null {
  const scaled = readDecimal(step);
  if (scaled === null || scaled.value > REMAINDERS_MAX) return null;
  const { value: divisor, decimals: decimalsMax } = scaled;
  const states = new AutomatonStates<string>(CLASSES.length, spend);
  const waiting: [id: number, place: Place][] = [];
  const find = (place: Place) =>
    states.find(`${place.remainder} ${place.decimals}`, (id) => {
      waiting.push([id, place]);
      if (place.decimals === 0) return false;
      return (place.remainder * 10 ** (decimalsMax - Math.max(0, place.decimals))) % divisor === 0;
    });
  const start = find({ remainder: 0, decimals: -1 });
  states.connect(start, SIGN, start);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    const [id, { remainder, decimals }] = next;
    if (decimals === -1 && decimalsMax > 0) states.connect(id, POINT, find({ remainder, decimals: 0 }));
    if (decimals === decimalsMax) continue;
    for (let digit = 0; digit <= 9; digit += 1) {
      const place = { remainder: (remainder * 10 + digit) % divisor, decimals: decimals === -1 ? -1 : decimals + 1 };
      states.connect(id, digit, find(place));
    }
  }
  return states.finish(CLASSES);
}

/** A positive number as an integer and its number of decimals. */
function readDecimal(number: number): { readonly value: number; readonly decimals: number } | null {
  const [, whole = "", fraction = "", exponent = "0"] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(String(number)) ?? [];
  const decimals = Math.max(0, fraction.length - Number(exponent));
  const value = Math.round(number * 10 ** decimals);
  return whole === "" || decimals > DECIMALS_MAX || !Number.isSafeInteger(value) ? null : { value, decimals };
}
