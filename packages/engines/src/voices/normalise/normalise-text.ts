/**
 * Writes out what people read differently from how it is written: dates, times, money, units, abbreviations, symbols.
 * Plain numbers stay; how they sound is decided with their phonemes.
 *
 * Most rules are those of hibari-tts (Apache-2.0, https://github.com/MMWilliams/hibari), whose tables they use.
 */

import { sayCardinal, sayOrdinal } from "../phonemes/number-words.ts";
import { toPlainWords } from "./plain-words.ts";
import { MORE_ABBREVIATIONS, MORE_CURRENCIES, MORE_UNITS, SPACED_UNITS } from "./reading-tables.ts";
import type { ReadingTables } from "./reading-tables.ts";
import { rule } from "./rule.ts";
import type { Rule } from "./rule.ts";
import { specialRules } from "./special-rules.ts";

export type NormaliseText = (text: string) => string;

const NUMBER = String.raw`\d+(?:,\d{3})*(?:\.\d+)?`;
const BIG = String.raw`(?:\s?(hundred|thousand|million|billion|trillion|(?:[kKmMbB]|mn|bn|tn)(?![\p{L}\p{N}])))`;
const BIG_NAMES: Readonly<Record<string, string>> = {
  k: "thousand",
  m: "million",
  b: "billion",
  mn: "million",
  bn: "billion",
  tn: "trillion",
};
const ROMAN = "((?=[IVXLC])M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))";
const ROMAN_DIGITS: Readonly<Record<string, number>> = { I: 1, V: 5, X: 10, L: 50, C: 100, D: 500, M: 1000 };
const FRACTIONS = ["half", "third", "quarter", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth"];
/** Two digits of a year above this one are of the last century. */
const CENTURY_TURN = 30;
const BEFORE = String.raw`(?<![\p{L}\p{N}_.])`;
const AFTER = String.raw`(?![\p{L}\p{N}_])`;

export function createNormaliser(tables: ReadingTables): NormaliseText {
  const rules = [
    ...specialRules(),
    ...timeRules(),
    ...moneyRules(tables),
    ...unitRules(tables),
    ...dateRules(tables),
    ...wordRules(tables),
    ...numberRules(),
    ...symbolRules(tables),
  ];
  return (text) => {
    let said = toPlainWords(text)
      .replaceAll(/\s+/gu, " ")
      .replaceAll("’", "'")
      .replaceAll(/[‐‑‒]/g, "-")
      .replaceAll("―", "—")
      .trim();
    for (const { pattern, say } of rules) {
      said = said.replaceAll(pattern, (...found: unknown[]) => {
        // The groups end where the position begins.
        const groups = found.slice(
          0,
          found.findIndex((value) => typeof value === "number"),
        );
        return say(groups.map((group) => (typeof group === "string" ? group : "")));
      });
    }
    return said
      .replaceAll(/\s+/gu, " ")
      .replaceAll(/ +(?=[,.;:!?])/g, "")
      .replaceAll(/,(?:\s*,)+/g, ",")
      .trim();
  };
}

function anyOf(words: readonly string[]): string {
  const ordered = words.toSorted((left, right) => right.length - left.length);
  return ordered.map((word) => word.replaceAll(/[$()*+./?[\\\]^{|}-]/g, String.raw`\$&`)).join("|");
}

function plural(number: string, names: readonly string[]): string {
  const isOne = /^-?1(?:\.0)?$/.test(number.replaceAll(",", ""));
  return (isOne ? names[0] : names[1]) ?? "";
}

function timeRules(): readonly Rule[] {
  return [
    // A date with a time, as machines write it.
    rule(
      String.raw`\b(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2})(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:?\d{2})?`,
      ([, date = "", time = ""]) => `${date} at ${time}`,
    ),
    rule(
      String.raw`(?<![\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?([AaPp])\.?[Mm](?:\.(?=\s|$))?${AFTER})?(?![\d:])`,
      ([all = "", hours = "", minutes = "", seconds = "", half = ""]) =>
        Number(hours) > 24 || Number(minutes) > 59 || Number(seconds) > 59
          ? all
          : sayTime({ hours, minutes, seconds, half, isEnd: all.endsWith(".") }),
    ),
    rule(
      String.raw`(?<![\d:.])(\d{1,2})\s?([AaPp])\.?[Mm](?:\.(?=\s|$))?${AFTER}`,
      ([all = "", hours = "", half = ""]) =>
        sayTime({ hours, minutes: "00", seconds: "", half, isEnd: all.endsWith(".") }),
    ),
  ];
}

interface Time {
  readonly hours: string;
  readonly minutes: string;
  readonly seconds: string;
  /** The letter before the M; empty: none. */
  readonly half: string;
  readonly isEnd: boolean;
}

function sayTime({ hours, minutes, seconds, half }: Time): string {
  let words = sayCardinal(hours);
  const minute = Number(minutes);
  if (minute === 0) words += half === "" && seconds === "" ? " o'clock" : "";
  else words += `${minute < 10 ? " oh" : ""} ${sayCardinal(minutes)}`;
  if (seconds !== "") words += ` and ${sayCardinal(seconds)} ${Number(seconds) === 1 ? "second" : "seconds"}`;
  // With points, so that the letters are spelled.
  return half === "" ? words : `${words} ${half.toUpperCase()}.M.`;
}

function moneyRules(tables: ReadingTables): readonly Rule[] {
  const currencies: Readonly<Record<string, readonly string[]>> = { ...tables.currency, ...MORE_CURRENCIES };
  // Dollars, pounds and euros are read with their cents.
  const named = Object.keys(currencies).filter((sign) => !"$£€¢".includes(sign));
  const namesOf = (sign: string): readonly string[] => currencies[sign.replace(/\.$/, "")] ?? [];
  const amount = (sign: string, number: string, big: string): string => {
    const names = namesOf(sign);
    if (big === "") return `${number} ${plural(number, names)}`;
    return `${number} ${BIG_NAMES[big.toLowerCase()] ?? big} ${names[1] ?? ""}`;
  };
  return [
    // The minus of a sum of money stands before its sign.
    rule(String.raw`(?<![\p{L}\p{N}])[-−](?=[$£€¥]\d)`, () => "minus "),
    rule(String.raw`(?<![\p{L}\p{N}])(US\$|C\$|A\$|[$£€])(${NUMBER})${BIG}`, ([, sign = "", number = "", big = ""]) =>
      amount(sign, number, big),
    ),
    rule(String.raw`${BEFORE}(${NUMBER})\s?¢`, ([, number = ""]) => amount("¢", number, "")),
    rule(
      String.raw`(?<![\p{L}\p{N}_])(${anyOf(named)})\.?\s?(${NUMBER})${BIG}?`,
      ([, sign = "", number = "", big = ""]) => amount(sign, number, big),
    ),
    rule(
      String.raw`${BEFORE}(${NUMBER})${BIG}?\s?(${anyOf(named)}|€|£|\$)${AFTER}`,
      ([, number = "", big = "", sign = ""]) =>
        "€£$".includes(sign) && big === "" ? `${sign}${number}` : amount(sign, number, big),
    ),
  ];
}

function unitRules(tables: ReadingTables): readonly Rule[] {
  const units: Readonly<Record<string, readonly string[]>> = { ...tables.units, ...MORE_UNITS };
  const scales: Readonly<Record<string, string>> = { C: " Celsius", F: " Fahrenheit", "": "" };
  const negative = (number: string): string => number.replace(/^[-−]/, "minus ");
  return [
    rule(
      String.raw`${BEFORE}([-−]?${NUMBER})\s?°\s?([CF])?${AFTER}`,
      ([, number = "", scale = ""]) =>
        `${negative(number)} ${plural(number, ["degree", "degrees"])}${scales[scale] ?? ""}`,
    ),
    rule(
      String.raw`${BEFORE}([-−]?${NUMBER})\s?(${anyOf(Object.keys(units))})${AFTER}`,
      ([, number = "", unit = ""]) => `${negative(number)} ${plural(number, units[unit] ?? [])}`,
    ),
    rule(
      String.raw`${BEFORE}(${NUMBER}) (${anyOf(Object.keys(SPACED_UNITS))})${AFTER}`,
      ([, number = "", unit = ""]) => `${number} ${plural(number, SPACED_UNITS[unit] ?? [])}`,
    ),
  ];
}

function dateRules({ months }: ReadingTables): readonly Rule[] {
  const names = Object.values(months);
  const short = Object.keys(months).map((month) => month.charAt(0).toUpperCase() + month.slice(1));
  const written = anyOf([...names, ...short, "Sept"]);
  const nameOf = (month: string): string => months[month.toLowerCase().slice(0, 3)] ?? month;
  const date = (year: string, month: string, day: string): string | null => {
    const name = names[Number(month) - 1];
    if (name === undefined || !isDay(day)) return null;
    return `${name} ${sayOrdinal(day)}${year === "" ? "" : `, ${year}`}`;
  };
  return [
    rule(
      String.raw`\b(\d{4})-(\d{2})-(\d{2})\b`,
      ([all = "", year = "", month = "", day = ""]) => date(year, month, day) ?? all,
    ),
    rule(
      String.raw`(?<![\d/])(\d{1,2})/(\d{1,2})/(\d{4}|\d{2})(?![\d/])`,
      ([all = "", first = "", second = "", year = ""]) => {
        const century = Number(year) > CENTURY_TURN ? "19" : "20";
        const full = year.length === 2 ? century + year : year;
        // The month is first in American English, unless there is no such month.
        return (Number(first) <= 12 ? date(full, first, second) : date(full, second, first)) ?? all;
      },
    ),
    rule(
      String.raw`\b(${written})\.? (\d{1,2})(?:st|nd|rd|th)?\b(?![\d:%])(,? \d{4}\b)?`,
      ([all = "", month = "", day = "", year = ""]) =>
        isDay(day) ? `${nameOf(month)} ${sayOrdinal(day)}${year}` : all,
    ),
    rule(
      String.raw`\b([Tt]he )?(\d{1,2})(?:st|nd|rd|th)? (?:of )?(${written})\b\.?`,
      ([all = "", the = "", day = "", month = ""]) =>
        isDay(day) ? `${the === "" ? "the " : the}${sayOrdinal(day)} of ${nameOf(month)}` : all,
    ),
  ];
}

function isDay(day: string): boolean {
  return Number(day) >= 1 && Number(day) <= 31;
}

function wordRules(tables: ReadingTables): readonly Rule[] {
  const abbreviations: Readonly<Record<string, string>> = { ...tables.abbreviations, ...MORE_ABBREVIATIONS };
  const readShort = (found: string): string => abbreviations[found] ?? found;
  const short = String.raw`${BEFORE}(${anyOf(Object.keys(abbreviations))})(?![\p{L}\p{N}_])`;
  return [
    rule(
      String.raw`\b(${anyOf(Object.keys(tables.titles))})\.? (?=[A-Z])`,
      ([, title = ""]) => `${tables.titles[title] ?? title} `,
    ),
    // The point of the last word ends the sentence, too.
    rule(String.raw`${short}(?=\s*$)`, ([, found = ""]) => readShort(found) + (found.endsWith(".") ? "." : "")),
    rule(short, ([, found = ""]) => readShort(found)),
    rule(String.raw`\b(Nos?)\. ?(?=\d)`, ([, numero = ""]) => (numero === "No" ? "Number " : "Numbers ")),
    rule(String.raw`(?<![\p{L}\p{N}&])#(?=\d)`, () => "number "),
    rule(
      String.raw`\b(${anyOf(tables.roman_cardinal)}) ${ROMAN}\b(?![.']\w)`,
      ([, name = "", number = ""]) => `${name} ${readRoman(number)}`,
    ),
    rule(
      String.raw`\b(${anyOf(tables.roman_ordinal)}) ${ROMAN}\b(?![.']\w)`,
      ([, name = "", number = ""]) => `${name} the ${sayOrdinal(String(readRoman(number)))}`,
    ),
  ];
}

function readRoman(number: string): number {
  const values = Array.from(number, (digit) => ROMAN_DIGITS[digit] ?? 0);
  return values.reduce((sum, value, index) => sum + ((values[index + 1] ?? 0) > value ? -value : value), 0);
}

function numberRules(): readonly Rule[] {
  return [
    // Telephone numbers are read digit by digit.
    rule(
      String.raw`(?<![\p{L}\p{N}.\-])(?:\+\d{1,3}[ .\-]?)?\(\d{3}\) ?\d{3}[\-. ]\d{4}(?![\p{L}\p{N}.\-]\d)`,
      sayTelephone,
    ),
    rule(
      String.raw`(?<![\p{L}\p{N}.\-])(?:\+\d{1,3}[ .\-])?(?:\d{3}[\-. ])\d{3}[\-.]\d{4}(?![\p{L}\p{N}\-]|\.\d)`,
      sayTelephone,
    ),
    rule(String.raw`(?<![\p{L}\p{N}.\-])\d{3}-\d{4}(?![\p{L}\p{N}\-]|\.\d)`, sayTelephone),
    rule(String.raw`(?<![\p{L}\p{N}./])(\d{1,2})/(\d{1,2})(?![\p{L}\p{N}./])`, ([, upper = "", lower = ""]) =>
      sayFraction(Number(upper), Number(lower)),
    ),
    rule(
      String.raw`(?<![\p{L}\p{N}.\-])(\d{1,4})\s?[\-–]\s?(\d{1,4})(?![\p{L}\p{N}.\-%])`,
      ([, from = "", to = ""]) => `${from} to ${to}`,
    ),
    rule(String.raw`(?<![\p{L}\p{N}+])\+(?=\d)`, () => "plus "),
    rule(String.raw`(?<![\p{L}\p{N}.)\]])−(?=\d)`, () => "minus "),
    // "mp3", "4K", "x86": letters and digits are words of their own.
    rule(String.raw`(?<=\p{L})(?=\d{2})(?<![\p{L}\p{N}]v)`, () => " "),
  ];
}

function sayTelephone([number = ""]: readonly string[]): string {
  return number
    .replaceAll(/[^\d+]+/g, ", ")
    .replace("+", "plus ")
    .replaceAll(/(?<=\d)(?=\d)/g, " ")
    .replace(/^, /, "");
}

function sayFraction(upper: number, lower: number): string {
  const name = FRACTIONS[lower - 2];
  if (upper > 0 && upper < lower && name !== undefined) {
    if (name === "half") return "one half";
    return `${upper} ${name}${upper === 1 ? "" : "s"}`;
  }
  return `${upper} slash ${lower}`;
}

function symbolRules({ symbols }: ReadingTables): readonly Rule[] {
  return Object.entries({ ...symbols, "−": "minus" }).map(([symbol, word]) => {
    const sign = anyOf([symbol]);
    const between = "=<>~".includes(symbol) ? String.raw`(?<=\S) ?${sign} ?(?=\S)` : sign;
    return rule(between, () => (word === "" ? " " : ` ${word} `));
  });
}
