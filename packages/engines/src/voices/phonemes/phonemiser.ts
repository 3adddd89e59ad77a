/**
 * A sentence as phonemes of the alphabet that the voices were trained on. It reads plain English words and numbers;
 * what else a text holds is made into words before (`normalise/`).
 *
 * A port of misaki's English reading (Apache-2.0, https://github.com/hexgrad/misaki) by way of hibari-tts.
 */

import type { Lexicon, WordContext } from "./lexicon.ts";
import { CURRENCIES, appendCurrency, isNumber, pronounceNumber } from "./number-phonemes.ts";
import { CONSONANTS, PRIMARY_STRESS, VOWELS, applyStress, weighPhonemes } from "./stress.ts";
import type { TagWords } from "./tag-words.ts";
import { joinPhonemes, makeToken, mergeTokens } from "./token.ts";
import type { PhonemeToken } from "./token.ts";
import type { Tokenise } from "./tokenise.ts";
import type { UnknownWords } from "./unknown-words.ts";

export interface PhonemiserParts {
  readonly tokenise: Tokenise;
  readonly tag: TagWords;
  readonly lexicon: Lexicon;
  readonly unknownWords: UnknownWords;
}

export type Phonemise = (sentence: string) => Promise<string>;

const SUBTOKEN =
  /^['‘’]+|[A-ZÀ-ÖØ-Þ](?=[A-ZÀ-ÖØ-Þ][a-zß-öø-ÿ])|(?:^-)?(?:[0-9]?[,.]?[0-9])+|[-_]+|['‘’]{2,}|\p{L}*?(?:['‘’]\p{L})*?[a-zß-öø-ÿ](?=[A-ZÀ-ÖØ-Þ])|\p{L}+(?:['‘’]\p{L})*|[^\p{L}\p{N}_\-'‘’]|['‘’]+$/gu;
const UNKNOWN_PIECE = /\p{L}+(?:['’]\p{L}+)*|[0-9]+(?:[,.][0-9]+)*|[^\p{L}\p{N}_\s]+/gu;
const JUNK: ReadonlySet<string> = new Set("',-._‘’/");
const PAUSES: ReadonlySet<string> = new Set(";:,.!?—…");
const PUNCTUATION: ReadonlySet<string> = new Set(';:,.!?—…"“”');
const PUNCTUATION_TAGS: ReadonlySet<string> = new Set([
  ".",
  ",",
  "-LRB-",
  "-RRB-",
  "``",
  '""',
  "''",
  ":",
  "$",
  "#",
  "NFP",
]);
const TAG_PHONEMES: Readonly<Record<string, string>> = {
  "-LRB-": "(",
  "-RRB-": ")",
  "``": "“",
  '""': "”",
  "''": "”",
};
const SYMBOL_PHONEMES: Readonly<Record<string, string>> = {
  "/": "slˈæʃ",
  "=": "ˈikwᵊlz",
  "+": "plˈʌs",
  "&": "ænd",
  "@": "æt",
  "%": "pəɹsˈɛnt",
  "#": "hˈæʃ",
  "*": "ˈæstəɹˌɪsk",
  "~": "tˈɪldə",
  "^": "kˈɛɹət",
  "<": "lˈɛs ðən",
  ">": "ɡɹˈATəɹ ðən",
  "—": "—",
};

export function createPhonemiser(parts: PhonemiserParts): Phonemise {
  return async (sentence) => {
    const pieces = parts.tokenise(sentence);
    const tags = parts.tag(pieces.map(({ text }) => text));
    const words = splitIntoWords(
      pieces.map(({ text, whitespace }, index) => makeToken(text, tags[index] ?? "NN", whitespace)),
    );
    await pronounceAll(words, parts);
    return words
      .map((word) => {
        const phonemes = word.length === 1 ? (word[0]?.phonemes ?? "") : joinPhonemes(word);
        const said = phonemes.replaceAll("ɾ", "T").replaceAll("ʔ", "t");
        return said + (word.at(-1)?.whitespace === "" ? "" : " ");
      })
      .join("")
      .trim();
  };
}

/** Pieces of one word are read together. */
type Word = PhonemeToken[];

function splitIntoWords(tokens: readonly PhonemeToken[]): Word[] {
  const words: Word[] = [];
  let isOpen = false;
  let currency: string | null = null;
  for (const [index, token] of tokens.entries()) {
    const texts = token.text.match(SUBTOKEN) ?? [token.text];
    const pieces = texts.map((text) => makeToken(text, token.tag, ""));
    const last = pieces.at(-1);
    if (last !== undefined) last.whitespace = token.whitespace;
    for (const [position, piece] of pieces.entries()) {
      const isLast = position === pieces.length - 1;
      readPunctuation(piece);
      if (piece.tag === "$" && CURRENCIES.has(piece.text)) currency = piece.text;
      else if (piece.phonemes === null && currency !== null) {
        if (piece.tag !== "CD") currency = null;
        else if (isLast && tokens[index + 1]?.tag !== "CD") piece.currency = currency;
      } else if (isTwoBetweenLetters(pieces, position)) piece.alias = "to";
      const before = words.at(-1);
      const isRead = piece.alias !== null || piece.phonemes !== null;
      if (isRead) {
        words.push([piece]);
        isOpen = false;
      } else if (before !== undefined && isOpen) {
        piece.isHead = false;
        before.push(piece);
        isOpen = piece.whitespace === "";
      } else {
        words.push([piece]);
        isOpen = piece.whitespace === "";
      }
    }
  }
  return words;
}

function readPunctuation(piece: PhonemeToken): void {
  const { tag, text } = piece;
  if (tag === "$" && CURRENCIES.has(text)) piece.phonemes = "";
  else if (tag === ":" && (text === "-" || text === "–")) piece.phonemes = "—";
  else if (PUNCTUATION_TAGS.has(tag) && !/^[a-z]+$/i.test(text)) {
    piece.phonemes = TAG_PHONEMES[tag] ?? Array.from(text, (mark) => (PUNCTUATION.has(mark) ? mark : "")).join("");
  }
}

/** "b2b" */
function isTwoBetweenLetters(pieces: readonly PhonemeToken[], position: number): boolean {
  const around = (pieces[position - 1]?.text.at(-1) ?? "") + (pieces[position + 1]?.text[0] ?? "");
  return pieces[position]?.text === "2" && /^\p{L}{2}$/u.test(around);
}

/** From the last word to the first, because what follows a word decides how some of them sound. */
async function pronounceAll(words: readonly Word[], parts: PhonemiserParts): Promise<void> {
  let context: WordContext = { isVowelNext: null, isToNext: false };
  for (const word of words.toReversed()) {
    const [first] = word;
    if (first === undefined) continue;
    if (word.length === 1) {
      first.phonemes ??= pronounceToken(parts.lexicon, first, context) ?? (await pronounceUnknown(parts, first.text));
      context = contextBefore(context, first);
    } else context = await pronounceParts(word, context, parts);
  }
}

/** Takes as many pieces at once as the lexicon knows together, from the end of the word. */
async function pronounceParts(word: Word, after: WordContext, parts: PhonemiserParts): Promise<WordContext> {
  let context = after;
  let [left, right] = [0, word.length];
  while (left < right) {
    const pieces = word.slice(left, right);
    const isOpen = pieces.every(({ alias, phonemes }) => alias === null && phonemes === null);
    const merged = mergeTokens(pieces);
    const phonemes = isOpen ? pronounceToken(parts.lexicon, merged, context) : null;
    const [first, ...rest] = pieces;
    if (phonemes !== null && first !== undefined) {
      first.phonemes = phonemes;
      for (const piece of rest) piece.phonemes = "";
      context = contextBefore(context, { ...merged, phonemes });
      [left, right] = [0, left];
    } else if (left + 1 < right) left += 1;
    else {
      right -= 1;
      const piece = word[right];
      if (piece?.phonemes === null) {
        if (!isJunk(piece.text)) {
          await pronounceWhole(word, parts);
          return context;
        }
        piece.phonemes = "";
      }
      left = 0;
    }
  }
  balance(word);
  return context;
}

async function pronounceWhole(word: Word, parts: PhonemiserParts): Promise<void> {
  const phonemes = await pronounceUnknown(parts, mergeTokens(word).text);
  for (const [index, piece] of word.entries()) piece.phonemes = index === 0 ? phonemes : "";
}

function pronounceToken(lexicon: Lexicon, token: PhonemeToken, context: WordContext): string | null {
  const word = (token.alias ?? token.text).replaceAll(/[‘’]/g, "'").normalize("NFKC");
  const capitals = word === word.toUpperCase() ? 2 : 0.5;
  const stress = word === word.toLowerCase() ? null : capitals;
  const known = lexicon.find({ word, tag: token.tag, stress, context });
  if (known !== null) return appendCurrency(lexicon, known, token.currency);
  if (!isNumber(word, token.isHead)) return null;
  return pronounceNumber(lexicon, { word, currency: token.currency, isHead: token.isHead });
}

async function pronounceUnknown({ lexicon, unknownWords }: PhonemiserParts, text: string): Promise<string> {
  const said: string[] = [];
  for (const [piece] of text.matchAll(UNKNOWN_PIECE)) {
    let phonemes: string | null;
    if (/^[0-9]/.test(piece)) phonemes = pronounceNumber(lexicon, { word: piece, currency: null, isHead: false });
    else if (/^\p{L}/u.test(piece)) phonemes = await unknownWords.guess(piece);
    else phonemes = Array.from(piece, (symbol) => SYMBOL_PHONEMES[symbol] ?? "").join("");
    if (phonemes !== null && phonemes !== "") said.push(phonemes);
  }
  return said.join(" ");
}

function contextBefore(after: WordContext, { text, tag, phonemes }: PhonemeToken): WordContext {
  let { isVowelNext } = after;
  for (const phoneme of phonemes ?? "") {
    if (PAUSES.has(phoneme)) isVowelNext = null;
    else if (VOWELS.has(phoneme)) isVowelNext = true;
    else if (CONSONANTS.has(phoneme)) isVowelNext = false;
    else continue;
    break;
  }
  return { isVowelNext, isToNext: /^[Tt]o$/.test(text) || (text === "TO" && (tag === "TO" || tag === "IN")) };
}

/** Spaces between the pieces of a word, or fewer main stresses where it is read as one. */
function balance(word: Word): void {
  const text = word.map((piece, index) => piece.text + (index === word.length - 1 ? "" : piece.whitespace)).join("");
  const kinds = new Set(Array.from(text).flatMap((character) => (JUNK.has(character) ? [] : [kindOf(character)])));
  const hasPrespace = /[ /]/.test(text) || kinds.size > 1;
  for (const [index, piece] of word.entries()) {
    if (piece.phonemes === null) piece.phonemes = index === word.length - 1 && PAUSES.has(piece.text) ? piece.text : "";
    else if (index > 0) piece.hasPrespace = hasPrespace;
  }
  if (hasPrespace) return;
  const stressed = word.flatMap((piece, index) => {
    const { phonemes } = piece;
    if (phonemes === null || phonemes === "") return [];
    return [{ piece, index, isMain: phonemes.includes(PRIMARY_STRESS), weight: weighPhonemes(phonemes) }];
  });
  const soften = (piece: PhonemeToken): void => {
    piece.phonemes = applyStress(piece.phonemes ?? "", -0.5);
  };
  const [first, second] = stressed;
  if (stressed.length === 2 && first?.piece.text.length === 1 && second !== undefined) return soften(second.piece);
  const mains = stressed.filter(({ isMain }) => isMain).length;
  if (stressed.length < 2 || mains <= Math.floor((stressed.length + 1) / 2)) return;
  const weakest = stressed.toSorted(
    (left, right) =>
      Number(left.isMain) - Number(right.isMain) || left.weight - right.weight || left.index - right.index,
  );
  for (const { piece } of weakest.slice(0, Math.floor(stressed.length / 2))) soften(piece);
}

function kindOf(character: string): "letter" | "digit" | "other" {
  if (/\p{L}/u.test(character)) return "letter";
  return /[0-9]/.test(character) ? "digit" : "other";
}

function isJunk(text: string): boolean {
  return Array.from(text).every((character) => JUNK.has(character));
}
