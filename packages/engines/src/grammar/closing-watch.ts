/**
 * Sees to it that a text of a grammar can always still be ended with the tokens that are left: a piece after which it
 * could not is not taken, and what was taken is ended the shortest way. So structured output is complete at any limit
 * that has room for its shortest text.
 */

import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import type { GrammarPosition } from "./grammar-position.ts";

export interface ClosingWatch {
  /**
   * Takes a piece of the text, unless the text could not be ended any more with the tokens that are left after it.
   *
   * @param bytes UTF-8; a character may be spread over several pieces.
   */
  take(bytes: Uint8Array, tokensLeft: number): boolean;
  /** The shortest text that ends what was taken; a character whose last bytes have not come is not part of it. */
  end(): string;
}

/** A character has at most four bytes in UTF-8, and no token is shorter than a byte. */
const TOKENS_PER_UNIT = 4;
/**
 * Characters of an ending that are made and tokenised to see whether it fits; a longer one counts as too long. This is
 * done for every token, and the ending of a list in a list may have millions of characters.
 */
export const ENDING_LENGTH_MAX = 8192;

/** @returns null where the limit has no room for any text: nothing can be promised then. */
export function watchClosing(
  grammar: Grammar,
  { tokensMax, countTokens }: { readonly tokensMax: number; readonly countTokens: (text: string) => number },
): ClosingWatch | null {
  const fits = (position: GrammarPosition, tokens: number) =>
    position.shortestLength * TOKENS_PER_UNIT <= tokens ||
    (position.shortestLength <= ENDING_LENGTH_MAX && countTokens(position.end()) <= tokens);
  let position = openGrammar(grammar);
  let unfinished: Uint8Array = new Uint8Array();
  if (!fits(position, tokensMax)) return null;
  return {
    take(bytes, tokensLeft) {
      const all = Buffer.concat([unfinished, bytes]);
      const wholeLength = all.length - countUnfinished(all);
      const next = position.advance(all.toString("utf8", 0, wholeLength));
      if (next === null || !fits(next, tokensLeft)) return false;
      position = next;
      unfinished = all.subarray(wholeLength);
      return true;
    },
    end: () => position.end(),
  };
}

/** How many bytes at the end are the beginning of a character whose rest is missing. */
function countUnfinished(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > length ? length : 0;
  }
  return 0;
}
