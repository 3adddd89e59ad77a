/**
 * BERT's tokenizer for lower-case vocabularies: normalises, cuts into words, and splits each word into the longest
 * pieces that the vocabulary has. Reference:
 * https://github.com/huggingface/tokenizers/blob/main/tokenizers/src/normalizers/bert.rs and `models/wordpiece/mod.rs`
 */

import type { WorkSlices } from "@openai-compat/core";
import { tokenizeInSlices } from "../llama/sliced-tokens.ts";

export interface WordPieces {
  /** Without markers; no text becomes one. @throws what `slices` throws */
  tokenise(text: string, slices: WorkSlices): Promise<readonly number[]>;
  /** Puts the markers around tokens that lack them. */
  mark(tokens: readonly number[]): readonly number[];
  readonly padding: number;
}

/** Longer words are unknown, as in the reference implementation. */
const WORD_CHARACTERS_MAX = 100;
const ASCII = /^[\t\n\r\x20-\x7e]*$/;
const REMOVED = /(?![\t\n\r])[\ufffd\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu;
/** The blocks of the reference implementation: each of these is a word. */
const IDEOGRAPH =
  /[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u{20000}-\u{2a6df}\u{2a700}-\u{2b81f}\u{2b920}-\u{2ceaf}\u{2f800}-\u{2fa1f}]/gu;
const ACCENT = /\p{Mn}/gu;
/** All of ASCII that is no letter, digit or blank counts as punctuation. */
const WORD = /[^\s\p{P}!-/:-@[-`{-~]+|[\p{P}!-/:-@[-`{-~]/gu;

/** A letter, and what neither begins a word nor ends one: signs beyond ASCII, and characters that are removed. */
const UNCUT = /\p{L}[^\s\p{L}\p{N}\p{M}\p{P}!-/:-@[-`{-~]/gu;

/** @throws Error for a vocabulary without markers */
export function createWordPieces(vocabulary: readonly string[]): WordPieces {
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  const idOf = (token: string): number => {
    const id = ids.get(token);
    if (id === undefined) throw new Error(`The vocabulary has no ${token}.`);
    return id;
  };
  const [first, last, unknown] = [idOf("[CLS]"), idOf("[SEP]"), idOf("[UNK]")];
  const longestPiece = vocabulary.reduce((longest, { length }) => Math.max(longest, length), 0);

  function splitWord(word: string): readonly number[] {
    if (word.length > WORD_CHARACTERS_MAX && Array.from(word).length > WORD_CHARACTERS_MAX) return [unknown];
    const pieces: number[] = [];
    for (let start = 0; start < word.length;) {
      let end = Math.min(word.length, start + longestPiece);
      let id: number | undefined;
      for (; end > start && id === undefined; end -= 1) {
        const piece = word.slice(start, end);
        id = ids.get(start === 0 ? piece : `##${piece}`);
      }
      if (id === undefined) return [unknown];
      pieces.push(id);
      // The loop has gone one further than the piece that it found.
      start = end + 1;
    }
    return pieces;
  }

  const tokenizer = {
    tokenize: (text: string) => (normalise(text).match(WORD) ?? []).flatMap(splitWord),
    fixedText: UNCUT,
  };
  return {
    tokenise: (text, slices) => tokenizeInSlices(text, { special: false, tokenizer, slices }),
    mark: (tokens) => [...(tokens[0] === first ? [] : [first]), ...tokens, ...(tokens.at(-1) === last ? [] : [last])],
    padding: ids.get("[PAD]") ?? 0,
  };
}

function normalise(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  return (
    text
      .replace(REMOVED, "")
      .replace(IDEOGRAPH, " $& ")
      .normalize("NFD")
      .replace(ACCENT, "")
      // In the reference implementation its lower case does not depend on what follows it.
      .replaceAll("Σ", "σ")
      .toLowerCase()
  );
}
