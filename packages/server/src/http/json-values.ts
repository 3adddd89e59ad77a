/**
 * Whether a JSON text holds too many values, or values within values, counted in its bytes before it is parsed: a few
 * megabytes can hold millions, and what is made of each, a complaint for one, takes hundreds of times the two bytes
 * that it took to send. What is nested too deep can be parsed, and then neither walked nor printed again.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;
const MINUS = 0x2d;
const ZERO = 0x30;
const NINE = 0x39;

export interface JsonBounds {
  /** Objects, arrays and what they hold, counted together, but for the numbers of arrays after their first. */
  readonly valuesMax: number;
  /** Numbers of all arrays, but for the first of each: token ids, which are cheap and come in great numbers. */
  readonly numbersMax: number;
  /** Objects and arrays within each other. */
  readonly depthMax: number;
}

export type JsonExcess = "values" | "numbers" | "depth";

/**
 * Which bound a text may exceed, the first that it does; null when none. Never null for a valid text that exceeds one.
 */
export function findJsonExcess(bytes: Uint8Array, { valuesMax, numbersMax, depthMax }: JsonBounds): JsonExcess | null {
  // No value is shorter than a byte, so a short text needs no look.
  if (bytes.length < Math.min(valuesMax, numbersMax, depthMax)) return null;
  let values = 1;
  let numbers = 0;
  let depth = 0;
  let isInString = false;
  let isAfterComma = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index] ?? 0;
    if (isAfterComma && !isBlank(byte)) {
      isAfterComma = false;
      // Where a number comes after a comma is an array: an object has a key there.
      if (isNumberStart(byte)) {
        numbers += 1;
        if (numbers > numbersMax) return "numbers";
      } else {
        values += 1;
        if (values > valuesMax) return "values";
      }
    }
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA) isAfterComma = true;
    else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      values += 1;
      depth += 1;
      if (depth > depthMax) return "depth";
      if (values > valuesMax) return "values";
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth -= 1;
  }
  return null;
}

export function isBlank(byte: number | undefined): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09;
}

export function isNumberStart(byte: number | undefined): boolean {
  return byte === MINUS || (byte !== undefined && byte >= ZERO && byte <= NINE);
}
