/**
 * Turns sampled tokens into text of whole characters. A character may be split over up to four tokens; they are held
 * back until it is complete. A character that a limit cuts is never sent.
 */

/** Returns the text of tokens that follow others; bytes that form no character become U+FFFD. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

export interface TokenText {
  push(token: number): string;
  /** Drops the beginning of a character that will not be completed. */
  dropUnfinished(): void;
}

const REPLACEMENT = "\uFFFD";
/** A UTF-8 character has at most four bytes, so an unfinished one at most three tokens. */
const UNFINISHED_TOKENS_MAX = 3;

/** `before`: the last tokens of the prompt; tokenizers that join words with spaces need them. */
export function createTokenText(detokenize: Detokenize, before: readonly number[]): TokenText {
  let previous = before.slice(-UNFINISHED_TOKENS_MAX);
  let held: number[] = [];
  /** How much of the text of `held` was emitted already. */
  let emitted = 0;
  return {
    push(token) {
      held.push(token);
      const text = detokenize(held, previous);
      if (!text.endsWith(REPLACEMENT)) {
        const delta = text.slice(emitted);
        previous = held;
        held = [];
        emitted = 0;
        return delta;
      }
      // The last U+FFFD may be the beginning of a character; all text before it is final.
      const delta = text.slice(emitted, -1);
      emitted = text.length - 1;
      if (held.length > UNFINISHED_TOKENS_MAX) {
        held = held.slice(-UNFINISHED_TOKENS_MAX);
        emitted = detokenize(held, previous).length - 1;
      }
      return delta;
    },
    dropUnfinished() {
      held = [];
      emitted = 0;
    },
  };
}
