/**
 * Tokenises long texts piece by piece, so that no text blocks the event loop: the native tokenizer is synchronous. A
 * piece ends where every tokenizer begins a new word, so the tokens are those of the whole text; a text without words
 * is cut anywhere.
 */

import type { WorkSlices } from "@openai-compat/core";

export interface PieceTokenizer {
  /** `special`: whether the text of a control token becomes that token. */
  tokenize(text: string, special: boolean): readonly number[];
  /**
   * Matches texts that are one token in any context: control tokens, and those that were added to the model's
   * vocabulary.
   */
  readonly fixedText: RegExp;
}

/** A few milliseconds of work at most. Control tokens cost far more than other text. */
const PIECE_CHARACTERS = 4096;
const SPECIAL_PIECE_CHARACTERS = 2048;
/** No fixed text is longer. */
const FIXED_TEXT_CHARACTERS = 256;

/** @throws what `slices` throws */
export async function tokenizeInSlices(
  text: string,
  {
    special,
    tokenizer,
    slices,
  }: { readonly special: boolean; readonly tokenizer: PieceTokenizer; readonly slices: WorkSlices },
): Promise<readonly number[]> {
  const size = special ? SPECIAL_PIECE_CHARACTERS : PIECE_CHARACTERS;
  if (text.length <= size) return tokenizer.tokenize(text, special);
  const tokens: number[] = [];
  for (let from = 0; from < text.length;) {
    if (slices.isOver) await slices.next();
    const end = text.length - from <= size ? text.length : findCut(text, { from, size, special }, tokenizer.fixedText);
    for (const token of tokenizer.tokenize(text.slice(from, end), special)) tokens.push(token);
    from = end;
  }
  return tokens;
}

interface Cutting {
  readonly from: number;
  readonly size: number;
  readonly special: boolean;
}

/**
 * Between a letter and a blank with a letter behind it, or a sign: no vocabulary joins them. An apostrophe may belong
 * to its word.
 */
const WORD_END = /\p{L}(?= \p{L}|[^\s\p{L}\p{N}\p{M}'’])/gu;

/** In the second half of the piece if possible: before a control token, else between two words. */
function findCut(text: string, { from, size, special }: Cutting, fixedText: RegExp): number {
  const start = from + size / 2;
  const window = text.slice(start, from + size);
  if (special) {
    const last = [...window.matchAll(fixedText)].at(-1);
    if (last !== undefined && !cutsFixedText(text, start + last.index, fixedText)) return start + last.index;
  }
  const ends = Array.from(window.matchAll(WORD_END), ({ index, 0: letter }) => start + index + letter.length);
  const end = ends.findLast((at) => !cutsFixedText(text, at, fixedText));
  return end ?? avoidHalves(text, from + size);
}

/** Whether the index is inside a fixed text. */
function cutsFixedText(text: string, at: number, fixedText: RegExp): boolean {
  const start = Math.max(0, at - FIXED_TEXT_CHARACTERS);
  for (const { index, 0: found } of text.slice(start, at + FIXED_TEXT_CHARACTERS).matchAll(fixedText)) {
    if (start + index >= at) return false;
    if (start + index + found.length > at) return true;
  }
  return false;
}

/** Never between the halves of a surrogate pair. */
function avoidHalves(text: string, at: number): number {
  const isPair = /[\ud800-\udbff]/.test(text.charAt(at - 1)) && /[\udc00-\udfff]/.test(text.charAt(at));
  return isPair ? at - 1 : at;
}
