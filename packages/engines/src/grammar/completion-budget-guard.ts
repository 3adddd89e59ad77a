/**
 * Guards that constrained output can always be completed with the tokens that are left: it rejects a piece after which
 * the shortest ending would not fit. So structured output is complete at any limit that has room for its shortest text.
 */

import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import type { GrammarPosition } from "./grammar-position.ts";

export interface CompletionBudgetGuard {
  /**
   * Accepts a piece of the text, unless the tokens left after it have no room for the shortest ending. @returns whether
   * it was accepted.
   *
   * @param bytes UTF-8; a character may be spread over several pieces.
   */
  accept(bytes: Uint8Array, tokensLeft: number): boolean;
  /** The shortest text that completes what was accepted; a character whose last bytes are missing is not part of it. */
  shortestEnding(): string;
}

/** A character has at most four bytes in UTF-8, and no token is shorter than a byte. */
const TOKENS_PER_UNIT = 4;
/**
 * The longest ending, in characters, that is built and tokenised to find out whether it fits; a longer one counts as
 * too long. This happens for every token, and the ending of a list in a list may have millions of characters.
 */
export const ENDING_LENGTH_MAX = 8192;

/** @returns null where the limit has no room for the shortest text: nothing can be guaranteed then. */
export function createCompletionBudgetGuard(
  grammar: Grammar,
  { tokensMax, countTokens }: { readonly tokensMax: number; readonly countTokens: (text: string) => number },
): CompletionBudgetGuard | null {
  const fits = (position: GrammarPosition, tokens: number) =>
    position.shortestLength * TOKENS_PER_UNIT <= tokens ||
    (position.shortestLength <= ENDING_LENGTH_MAX && countTokens(position.end()) <= tokens);
  let position = openGrammar(grammar);
  let unfinished: Uint8Array = new Uint8Array();
  if (!fits(position, tokensMax)) return null;
  return {
    accept(bytes, tokensLeft) {
      const all = Buffer.concat([unfinished, bytes]);
      const wholeLength = all.length - countUnfinished(all);
      const next = position.advance(all.toString("utf8", 0, wholeLength));
      if (next === null || !fits(next, tokensLeft)) return false;
      position = next;
      unfinished = all.subarray(wholeLength);
      return true;
    },
    shortestEnding: () => position.end(),
  };
}

/** Number of bytes at the end that begin an incomplete character. */
function countUnfinished(bytes: Uint8Array): number {
  for (let length = 1; length <= Math.min(3, bytes.length); length += 1) {
    const byte = bytes[bytes.length - length] ?? 0;
    if (byte < 0x80) return 0;
    if (byte >= 0xc0) return (byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2) > length ? length : 0;
  }
  return 0;
}
