/**
 * Whether a JSON text holds too many values, or values within values, told from its bytes before it is parsed: a few
 * megabytes can hold millions, and what is made of each, a complaint for one, takes hundreds of times the two bytes that it
 * took to send. What is nested too deep can be parsed, and then neither walked nor printed again.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const CLOSING_BRACKET = 0x5d;
const OPENING_BRACE = 0x7b;
const CLOSING_BRACE = 0x7d;

export interface JsonBounds {
  /** Objects, arrays and what they hold, counted together. */
  readonly valuesMax: number;
  /** Objects and arrays within each other. */
  readonly depthMax: number;
}

/** Which bound a text may exceed, the first that it does; null when none. Never null for a valid text that exceeds one. */
export function findJsonExcess(bytes: Uint8Array, { valuesMax, depthMax }: JsonBounds): "values" | "depth" | null {
  // No value is shorter than a byte, so a short text needs no look.
  if (bytes.length < Math.min(valuesMax, depthMax)) return null;
  let values = 1;
  let depth = 0;
  let isInString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA) values += 1;
    else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) {
      values += 1;
      depth += 1;
      if (depth > depthMax) return "depth";
    } else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) depth -= 1;
    if (values > valuesMax) return "values";
  }
  return null;
}
