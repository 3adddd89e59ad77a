/**
 * Turns sampled tokens into text of whole characters. A character may be spread over up to four tokens; its first ones
 * are held back until the last has come. What a limit cuts in the middle of a character is never shown.
 */

/** Gives the text of tokens that follow others; bytes that form no character come out as U+FFFD. */
export type Detokenize = (tokens: readonly number[], before: readonly number[]) => string;

export interface TokenText {
  push(token: number): string;
  /** Forgets the beginning of a character whose rest won't come. */
  dropUnfinished(): void;
}

const REPLACEMENT = "\uFFFD";
/** A UTF-8 character has at most four bytes, so an unfinished one at most three tokens. */
const UNFINISHED_TOKENS_MAX = 3;

/** `before`: the last tokens of the prompt; tokenizers that join words with spaces need to see them. */
export function createTokenText(detokenize: Detokenize, before: readonly number[]): TokenText {
  let previous = before.slice(-UNFINISHED_TOKENS_MAX);
  let held: number[] = [];
  /** How much of the text of `held` has left already. */
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
      // The last U+FFFD may be the beginning of a character; all before it is settled.
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
