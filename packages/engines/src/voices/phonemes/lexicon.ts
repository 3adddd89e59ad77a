/**
 * How a word is pronounced: its entry in the dictionaries, by its part of speech and by what follows it, else that of
 * its stem. Words that it doesn't know are for others.
 *
 * A port of the lexicon of misaki (Apache-2.0, https://github.com/hexgrad/misaki) by way of hibari-tts.
 */

import { defaultOf } from "./dictionary.ts";
import type { Dictionary } from "./dictionary.ts";
import { PRIMARY_STRESS, SECONDARY_STRESS, applyStress } from "./stress.ts";

export interface LexiconSettings {
  /** Checked by people. */
  readonly gold: Dictionary;
  readonly silver: Dictionary;
  /** Whether the accent is British; it is American otherwise. */
  readonly isBritish: boolean;
}

/** What comes after a word. */
export interface WordContext {
  /** Whether the next sound is a vowel; null: a pause follows. */
  readonly isVowelNext: boolean | null;
  readonly isToNext: boolean;
}

export interface WordRequest {
  readonly word: string;
  /** Null: not known. */
  readonly tag: string | null;
  readonly stress: number | null;
  readonly context: WordContext | null;
}

/** Sounds before which a flapped t stands in American English. */
const FLAPPING: ReadonlySet<string> = new Set("AIOWYiuæɑəɛɪɹʊʌ");
const SYMBOLS = new Map([
  ["%", "percent"],
  ["&", "and"],
  ["+", "plus"],
  ["@", "at"],
]);
const ADDRESS_SYMBOLS = new Map([
  [".", "dot"],
  ["/", "slash"],
]);

export class Lexicon {
  readonly #gold: Dictionary;
  readonly #silver: Dictionary;
  readonly #isBritish: boolean;

  constructor({ gold, silver, isBritish }: LexiconSettings) {
    this.#gold = gold;
    this.#silver = silver;
    this.#isBritish = isBritish;
  }

  /** @returns null for a word that it doesn't know */
  find(request: WordRequest): string | null {
    const special = this.#findSpecial(request);
    if (special !== null) return special;
    const found = { ...request, word: this.#lowerWhereKnown(request) };
    const { word, stress } = found;
    if (this.#isKnown(word)) return this.lookUp(found);
    if (word.endsWith("s'") && this.#isKnown(`${word.slice(0, -2)}'s`)) {
      return this.lookUp({ ...found, word: `${word.slice(0, -2)}'s` });
    }
    if (word.endsWith("'") && this.#isKnown(word.slice(0, -1))) {
      return this.lookUp({ ...found, word: word.slice(0, -1) });
    }
    return this.stemS(found) ?? this.#stemEd(found) ?? this.#stemIng({ ...found, stress: stress ?? 0.5 });
  }

  /** The entry of exactly this word. */
  lookUp({ word, tag, stress, context }: WordRequest): string | null {
    let key = word;
    let isName = false;
    if (word === word.toUpperCase() && this.#gold.find(word) === undefined) {
      key = word.toLowerCase();
      isName = tag === "NNP";
    }
    const entry = this.#gold.find(key) ?? (isName ? undefined : this.#silver.find(key));
    let phonemes = typeof entry === "string" ? entry : null;
    if (entry !== undefined && typeof entry !== "string") {
      const isBeforePause = context !== null && context.isVowelNext === null && "None" in entry;
      const wanted = isBeforePause ? "None" : tag;
      const found = wanted !== null && wanted in entry ? wanted : parentTag(wanted);
      phonemes = (found !== null && found in entry ? entry[found] : entry["DEFAULT"]) ?? null;
    }
    if (phonemes === null || (isName && !phonemes.includes(PRIMARY_STRESS))) {
      const spelled = this.spell(key);
      if (spelled !== null) return spelled;
    }
    return phonemes === null ? null : applyStress(phonemes, stress);
  }

  /** Letter by letter. @returns null where a letter has no name here */
  spell(word: string): string | null {
    const letters: string[] = [];
    for (const letter of word) {
      if (!/\p{L}/u.test(letter)) continue;
      const name = defaultOf(this.#gold.find(letter.toUpperCase()));
      if (name === null) return null;
      letters.push(name);
    }
    if (letters.length === 0) return null;
    const spelled = applyStress(letters.join(""), 0);
    const last = spelled.lastIndexOf(SECONDARY_STRESS);
    return last < 0 ? spelled : spelled.slice(0, last) + PRIMARY_STRESS + spelled.slice(last + 1);
  }

  /** A plural, or another word with an s at its end, from its stem. */
  stemS(request: WordRequest): string | null {
    const { word } = request;
    if (word.length < 3 || !word.endsWith("s")) return null;
    const stem = this.#firstKnown([
      word.endsWith("ss") ? null : word.slice(0, -1),
      word.endsWith("'s") || (word.length > 4 && word.endsWith("es") && !word.endsWith("ies"))
        ? word.slice(0, -2)
        : null,
      word.length > 4 && word.endsWith("ies") ? `${word.slice(0, -3)}y` : null,
    ]);
    return stem === null ? null : this.appendS(this.lookUp({ ...request, word: stem }));
  }

  appendS(stem: string | null): string | null {
    if (stem === null || stem === "") return null;
    const end = stem.at(-1) ?? "";
    if ("ptkfθ".includes(end)) return `${stem}s`;
    if ("szʃʒʧʤ".includes(end)) return `${stem}${this.#isBritish ? "ɪ" : "ᵻ"}z`;
    return `${stem}z`;
  }

  appendEd(stem: string | null): string | null {
    if (stem === null || stem === "") return null;
    const end = stem.at(-1) ?? "";
    if ("pkfθʃsʧ".includes(end)) return `${stem}t`;
    if (end === "d") return `${stem}${this.#isBritish ? "ɪ" : "ᵻ"}d`;
    if (end !== "t") return `${stem}d`;
    if (this.#isBritish || stem.length < 2) return `${stem}ɪd`;
    return FLAPPING.has(stem.at(-2) ?? "") ? `${stem.slice(0, -1)}ɾᵻd` : `${stem}ᵻd`;
  }

  appendIng(stem: string | null): string | null {
    if (stem === null || stem === "") return null;
    const end = stem.at(-1) ?? "";
    if (this.#isBritish) return "əː".includes(end) ? null : `${stem}ɪŋ`;
    if (end === "t" && FLAPPING.has(stem.at(-2) ?? "")) return `${stem.slice(0, -1)}ɾɪŋ`;
    return `${stem}ɪŋ`;
  }

  #stemEd(request: WordRequest): string | null {
    const { word } = request;
    if (word.length < 4 || !word.endsWith("d")) return null;
    const stem = this.#firstKnown([
      word.endsWith("dd") ? null : word.slice(0, -1),
      word.length > 4 && word.endsWith("ed") && !word.endsWith("eed") ? word.slice(0, -2) : null,
    ]);
    return stem === null ? null : this.appendEd(this.lookUp({ ...request, word: stem }));
  }

  #stemIng(request: WordRequest): string | null {
    const { word } = request;
    if (word.length < 5 || !word.endsWith("ing")) return null;
    const isLong = word.length > 5;
    const stem = this.#firstKnown([
      isLong ? word.slice(0, -3) : null,
      `${word.slice(0, -3)}e`,
      isLong && /([bcdgklmnprstvxz])\1ing$|cking$/.test(word) ? word.slice(0, -4) : null,
    ]);
    return stem === null ? null : this.appendIng(this.lookUp({ ...request, word: stem }));
  }

  #firstKnown(stems: readonly (string | null)[]): string | null {
    return stems.find((stem) => stem !== null && this.#isKnown(stem)) ?? null;
  }

  #isKnown(word: string): boolean {
    if (this.#has(word) || SYMBOLS.has(word)) return true;
    if (!/^[A-Za-z']+$/.test(word) || word.includes("'")) return false;
    if (word.length === 1) return true;
    if (word === word.toUpperCase() && this.#gold.find(word.toLowerCase()) !== undefined) return true;
    return word.slice(1) === word.slice(1).toUpperCase();
  }

  #has(word: string): boolean {
    return this.#gold.find(word) !== undefined || this.#silver.find(word) !== undefined;
  }

  /** "Shouting" and "SHOUTING" are read as "shouting" is, where that is known. */
  #lowerWhereKnown({ word, tag, stress, context }: WordRequest): string {
    const lower = word.toLowerCase();
    const isPlain = word.length > 1 && /^\p{L}+$/u.test(word.replaceAll("'", "")) && word !== lower;
    if (!isPlain || (tag === "NNP" && word.length <= 7) || this.#has(word)) return word;
    if (word !== word.toUpperCase() && word.slice(1) !== lower.slice(1)) return word;
    const request = { word: lower, tag, stress, context };
    const isStem = [this.stemS(request), this.#stemEd(request), this.#stemIng(request)].some((found) => found !== null);
    return this.#has(lower) || isStem ? lower : word;
  }

  #findSpecial({ word, tag, stress, context }: WordRequest): string | null {
    const entry = (name: string, strength: number | null): string | null =>
      this.lookUp({ word: name, tag: null, stress: strength, context });
    const address = tag === "ADD" ? ADDRESS_SYMBOLS.get(word) : undefined;
    if (address !== undefined) return entry(address, -0.5);
    const symbol = SYMBOLS.get(word);
    if (symbol !== undefined) return entry(symbol, null);
    if (isAbbreviation(word)) return this.spell(word);
    const next = context?.isVowelNext ?? null;
    const isNoun = tag?.startsWith("NN") === true;
    const lower = word.toLowerCase();
    const isCapitals = word.length > 1 && word === word.toUpperCase();
    if (lower === "a") return tag === "DT" ? "ɐ" : "ˈA";
    if (lower === "am" && isNoun) return this.spell(word);
    if (lower === "am") {
      const isFull = next === null || word !== "am" || (stress !== null && stress > 0);
      return isFull ? defaultOf(this.#gold.find("am")) : "ɐm";
    }
    if (lower === "an") return isCapitals && isNoun ? this.spell(word) : "ɐn";
    if (word === "I" && tag === "PRP") return `${SECONDARY_STRESS}I`;
    if (lower === "by" && parentTag(tag) === "ADV") return "bˈI";
    if (lower === "to" && (!isCapitals || tag === "TO" || tag === "IN")) {
      if (next === null) return defaultOf(this.#gold.find("to"));
      return next ? "tʊ" : "tə";
    }
    if (lower === "in" && (!isCapitals || tag !== "NNP")) {
      return `${next === null || tag !== "IN" ? PRIMARY_STRESS : ""}ɪn`;
    }
    if (lower === "the" && (!isCapitals || tag === "DT")) return next === true ? "ði" : "ðə";
    if (tag === "IN" && /^vs\.?$/.test(lower)) return entry("versus", null);
    if (lower === "used") return this.#findUsed(tag, context);
    return null;
  }

  /** "used to" is not the past of "use". */
  #findUsed(tag: string | null, context: WordContext | null): string | null {
    const used = this.#gold.find("used");
    if (used === undefined || typeof used === "string") return used ?? null;
    const isHabit = (tag === "VBD" || tag === "JJ") && context?.isToNext === true;
    return (isHabit ? used["VBD"] : used["DEFAULT"]) ?? null;
  }
}

/** "U.S.", "a.m": points inside, and no part longer than two letters. */
function isAbbreviation(word: string): boolean {
  const inner = word.replace(/^\.+|\.+$/g, "");
  return inner.includes(".") && /^\p{L}+$/u.test(word.replaceAll(".", "")) && !/[^.]{3}/.test(word);
}

function parentTag(tag: string | null): string | null {
  if (tag === null) return null;
  if (tag.startsWith("VB")) return "VERB";
  if (tag.startsWith("NN")) return "NOUN";
  if (tag.startsWith("ADV") || tag.startsWith("RB")) return "ADV";
  return tag.startsWith("ADJ") || tag.startsWith("JJ") ? "ADJ" : tag;
}
