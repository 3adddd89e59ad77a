/**
 * How a number in a text is pronounced: as a year, an ordinal, an amount of money, digit by digit or as it is.
 *
 * A port of the number rules of misaki (Apache-2.0, https://github.com/hexgrad/misaki) by way of hibari-tts.
 */

import type { Lexicon } from "./lexicon.ts";
import { sayCardinal, sayDecimal, sayDigits, sayOrdinal, sayYear } from "./number-words.ts";

interface CurrencyUnits {
  readonly whole: string;
  readonly part: string;
}

/** What has units in the dictionaries; other currencies are words before they come here. */
export const CURRENCIES: ReadonlyMap<string, CurrencyUnits> = new Map([
  ["$", { whole: "dollar", part: "cent" }],
  ["£", { whole: "pound", part: "pence" }],
  ["€", { whole: "euro", part: "cent" }],
]);

const ORDINAL_ENDS: ReadonlySet<string> = new Set(["st", "nd", "rd", "th"]);
const ENDS = ["ing", "'d", "ed", "'s", "st", "nd", "rd", "th", "s"];

export interface NumberRequest {
  readonly word: string;
  readonly currency: string | null;
  /** Whether it begins a word; digits behind letters are read differently. */
  readonly isHead: boolean;
}

export function isNumber(word: string, isHead: boolean): boolean {
  if (!/[0-9]/.test(word)) return false;
  const end = ENDS.find((candidate) => word.endsWith(candidate)) ?? "";
  return (isHead ? /^-?[0-9,.]+$/ : /^[0-9,.]+$/).test(word.slice(0, word.length - end.length));
}

/** @returns null where nothing can be said */
export function pronounceNumber(lexicon: Lexicon, request: NumberRequest): string | null {
  const end = /[a-z']+$/.exec(request.word)?.[0] ?? "";
  const unsigned = request.word.slice(0, request.word.length - end.length).replace(/^-/, "");
  const isNegative = request.word.startsWith("-");
  const parts = isNegative ? ["minus"] : [];
  parts.push(...listWords(unsigned, { ...request, isNegative, end }));
  const phonemes = parts.flatMap((part) => {
    const said = sayWord(lexicon, part);
    return said === null ? [] : [said];
  });
  if (phonemes.length === 0) return null;
  const joined = phonemes.join(" ");
  if (end === "s" || end === "'s") return lexicon.appendS(joined);
  if (end === "ed" || end === "'d") return lexicon.appendEd(joined);
  return end === "ing" ? lexicon.appendIng(joined) : joined;
}

/** The name of a currency after a number that was no amount itself. */
export function appendCurrency(lexicon: Lexicon, phonemes: string, currency: string | null): string {
  const units = currency === null ? undefined : CURRENCIES.get(currency);
  const name = units === undefined ? null : sayWord(lexicon, `${units.whole}s`);
  return name === null ? phonemes : `${phonemes} ${name}`;
}

/** Words of the number, each as it is looked up. */
function listWords(
  number: string,
  { currency, isHead, isNegative, end }: NumberRequest & { readonly isNegative: boolean; readonly end: string },
): readonly string[] {
  const isWhole = /^[0-9]+$/.test(number);
  const units = currency === null ? undefined : CURRENCIES.get(currency);
  if (isWhole && ORDINAL_ENDS.has(end)) return wordsOf(sayOrdinal(number));
  if (!isNegative && isWhole && number.length === 4 && units === undefined) return wordsOf(sayYear(number));
  const plain = number.replaceAll(",", "");
  if (!isHead && !number.includes(".")) return wordsOf(sayBehindLetters(plain));
  if (!isHead || plain.split(".").length > 2) return plain.split(".").flatMap((part) => wordsOf(sayVersionPart(part)));
  if (units !== undefined && isAmount(plain)) return listAmount(plain, units);
  if (!plain.includes(".")) return wordsOf(ORDINAL_ENDS.has(end) ? sayOrdinal(plain) : sayCardinal(plain));
  if (plain.startsWith(".")) return ["point", ...wordsOf(sayDigits(plain.slice(1)))];
  return wordsOf(sayDecimal(plain));
}

function wordsOf(text: string): readonly string[] {
  return text.split(/[^a-zO]+/).filter((word) => word !== "" && word !== "and");
}

/** "B 2", "R 2 D 2", "F 1 16": as rooms, models and streets are read. */
function sayBehindLetters(digits: string): string {
  if (digits.startsWith("0") || digits.length > 3) return sayDigits(digits);
  if (digits.length < 3 || digits.endsWith("00")) return sayCardinal(digits);
  const [hundreds = "", tens = "", ones = ""] = digits;
  return `${sayDigits(hundreds)} ${tens === "0" ? `O ${sayDigits(ones)}` : sayCardinal(tens + ones)}`;
}

function sayVersionPart(digits: string): string {
  if (digits === "") return "";
  const isRead = !digits.startsWith("0") && (digits.length === 2 || /^[0-9]0*$/.test(digits));
  return isRead ? sayCardinal(digits) : sayDigits(digits);
}

function isAmount(number: string): boolean {
  return (number.split(".")[1] ?? "").length < 3;
}

function listAmount(number: string, { whole, part }: CurrencyUnits): readonly string[] {
  const [wholes = "", fraction] = number.split(".");
  // "$1.5" is a dollar and fifty cents.
  const parts = fraction === undefined ? 0 : Number(fraction.padEnd(2, "0"));
  const hasWhole = parts === 0 || Number(wholes) > 0;
  const wholeWords = [
    ...wordsOf(sayCardinal(wholes === "" ? "0" : wholes)),
    Number(wholes) === 1 ? whole : `${whole}s`,
  ];
  const partName = part === "pence" || parts === 1 ? part : `${part}s`;
  const partWords = [...wordsOf(sayCardinal(String(parts))), partName];
  if (parts === 0) return wholeWords;
  return hasWhole ? [...wholeWords, "and", ...partWords] : partWords;
}

function sayWord(lexicon: Lexicon, word: string): string | null {
  const isWeak = word === "point" || word === "O";
  const request = { word, tag: null, stress: isWeak ? -2 : null, context: null };
  return lexicon.lookUp(request) ?? lexicon.stemS(request);
}
