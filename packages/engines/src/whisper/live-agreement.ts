/**
 * How much of a text is certain while its audio goes on: what two passes over the growing audio agree on, as far as
 * whole words go. Punctuation at its end is not, because the model ends whatever it hears with some.
 *
 * Method: LocalAgreement-2, https://arxiv.org/abs/2307.14743 (Macháček, Dabre, Bojar)
 */

import type { WhisperText } from "./whisper-text.ts";

export interface Passes {
  /** Tokens of the window's text, timestamps included. Null: there was none. */
  readonly previous: readonly number[] | null;
  readonly next: readonly number[];
  /** Tokens of `next` that are certain already. */
  readonly certain: number;
}

/** Scripts that write no spaces between words. */
const UNSPACED = String.raw`\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}`;
/** What no word goes on with. */
const WORD_START = new RegExp(String.raw`^(?:\s|[${UNSPACED}]|\p{P}+$)`, "u");
const UNSPACED_END = new RegExp(`[${UNSPACED}]$`, "u");
const PUNCTUATION = /^[\p{P}\s]+$/u;
/** A character has as many bytes at most, and a token at least one. */
const TOKENS_PER_CHARACTER_MAX = 4;

/** @returns how many tokens of `next` are certain: at least as many as before */
export function countCertain({ previous, next, certain }: Passes, text: WhisperText, endOfText: number): number {
  if (previous === null) return certain;
  const indices = next.flatMap((token, index) => (token < endOfText ? [index] : []));
  const tokens = indices.map((index) => next[index] ?? 0);
  const before = previous.filter((token) => token < endOfText);
  const known = indices.filter((index) => index < certain).length;
  let agreed = 0;
  while (agreed < tokens.length && tokens[agreed] === before[agreed]) agreed += 1;
  while (agreed > known && PUNCTUATION.test(text.decode(tokens.slice(agreed - 1, agreed)))) agreed -= 1;
  while (agreed > known && !isWordEnd(tokens, agreed, text)) agreed -= 1;
  return agreed > known ? (indices[agreed - 1] ?? 0) + 1 : certain;
}

/** Tokens of a text without its last word, which may have been heard in part. */
export function dropLastWord(tokens: readonly number[], text: WhisperText, endOfText: number): readonly number[] {
  const said = tokens.filter((token) => token < endOfText);
  let count = said.length - 1;
  while (count > 0 && !isWordEnd(said, count, text)) count -= 1;
  return said.slice(0, Math.max(0, count));
}

/** Whether a word ends before the token at `index`. */
function isWordEnd(tokens: readonly number[], index: number, text: WhisperText): boolean {
  const said = text.decode(tokens.slice(Math.max(0, index - TOKENS_PER_CHARACTER_MAX), index));
  if (said.endsWith("\uFFFD")) return false;
  return (
    index === tokens.length || UNSPACED_END.test(said) || WORD_START.test(text.decode(tokens.slice(index, index + 1)))
  );
}
