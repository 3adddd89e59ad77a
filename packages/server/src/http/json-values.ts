/**
 * Whether a JSON text holds too many values, told from its bytes before it is parsed: a few megabytes can hold millions,
 * and what is made of each, a complaint for one, takes hundreds of times the two bytes that it took to send.
 */

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const OPENING_BRACKET = 0x5b;
const OPENING_BRACE = 0x7b;

/** Whether a text may hold more than `valuesMax` values, its containers included. Never no when it does. */
export function exceedsJsonValues(bytes: Uint8Array, valuesMax: number): boolean {
  // No value is shorter than a byte, so a short text needs no look.
  if (bytes.length < valuesMax) return false;
  let values = 1;
  let isInString = false;
  for (let index = 0; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (byte === QUOTE) isInString = !isInString;
    else if (isInString && byte === BACKSLASH) index += 1;
    else if (!isInString && (byte === COMMA || byte === OPENING_BRACKET || byte === OPENING_BRACE)) values += 1;
    if (values > valuesMax) return true;
  }
  return false;
}
