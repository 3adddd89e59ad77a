/** A word, or a piece of one, on its way to phonemes. */

export interface PhonemeToken {
  readonly text: string;
  /** Part of speech, as the Penn Treebank names it. */
  readonly tag: string;
  /** What followed it in the text: a blank or nothing. */
  whitespace: string;
  /** Null: not known yet. */
  phonemes: string | null;
  /** Whether it begins a word. */
  isHead: boolean;
  /** What is read instead of the text. */
  alias: string | null;
  /** The currency sign before a number. */
  currency: string | null;
  /** Whether a blank separates it from the piece before, within one word. */
  hasPrespace: boolean;
}

export function makeToken(text: string, tag: string, whitespace: string): PhonemeToken {
  return { text, tag, whitespace, phonemes: null, isHead: true, alias: null, currency: null, hasPrespace: false };
}

/** The pieces of one word as a word, without phonemes. @param tokens at least one */
export function mergeTokens(tokens: readonly PhonemeToken[]): PhonemeToken {
  const first = tokens[0] ?? makeToken("", "", "");
  const last = tokens.at(-1) ?? first;
  const text = tokens.map((token) => token.text + (token === last ? "" : token.whitespace)).join("");
  let heaviest = first;
  for (const token of tokens) if (weigh(token.text) > weigh(heaviest.text)) heaviest = token;
  const currencies = tokens.flatMap(({ currency }) => (currency === null ? [] : [currency])).toSorted();
  return {
    ...makeToken(text, heaviest.tag, last.whitespace),
    isHead: first.isHead,
    currency: currencies.at(-1) ?? null,
    hasPrespace: first.hasPrespace,
  };
}

/** The phonemes of one word's pieces, one after the other. */
export function joinPhonemes(tokens: readonly PhonemeToken[]): string {
  let joined = "";
  for (const { phonemes, hasPrespace } of tokens) {
    if (phonemes === null || phonemes === "") continue;
    if (hasPrespace && joined !== "" && !joined.endsWith(" ")) joined += " ";
    joined += phonemes;
  }
  return joined;
}

function weigh(text: string): number {
  let weight = 0;
  for (const character of text) weight += character === character.toLowerCase() ? 1 : 2;
  return weight;
}
