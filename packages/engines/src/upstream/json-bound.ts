/**
 * Whether a JSON text holds too many values, counted in its bytes before it is parsed: a few megabytes can hold
 * millions.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

/** Objects, arrays and what they hold, counted together. False for a text that is too short to hold so many. */
export function hasMoreValues(bytes: Uint8Array, valuesMax: number): boolean {
  if (bytes.length < valuesMax) return false;
  let values = 1;
  let isInString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString) index += byte === BACKSLASH ? 1 : 0;
    else if (byte === COMMA || byte === OPENING_BRACKET || byte === OPENING_BRACE) values += 1;
    if (values > valuesMax) return true;
  }
  return false;
}
