/**
 * A dictionary of pronunciations. A word that has no entry of its own is found in its other case: "hello" answers for
 * "Hello", and the other way round.
 */

/** By part of speech where a word has several; `DEFAULT` is always one of them. */
export type Pronunciation = string | Readonly<Record<string, string | null>>;

export interface Dictionary {
  find(word: string): Pronunciation | undefined;
}

export function createDictionary(entries: Readonly<Record<string, Pronunciation | null>>): Dictionary {
  const words = new Map(Object.entries(entries));
  return {
    find(word) {
      const own = words.get(word);
      if (own !== undefined && own !== null) return own;
      if (word.length < 2) return undefined;
      const lower = word.toLowerCase();
      const capitalised = lower.charAt(0).toUpperCase() + lower.slice(1);
      if (word === lower && capitalised !== lower) return words.get(capitalised) ?? undefined;
      return word === capitalised ? (words.get(lower) ?? undefined) : undefined;
    },
  };
}

/** What of an entry is said where nothing is known of the word's part of speech. */
export function defaultOf(pronunciation: Pronunciation | undefined): string | null {
  if (pronunciation === undefined) return null;
  return typeof pronunciation === "string" ? pronunciation : (pronunciation["DEFAULT"] ?? null);
}
