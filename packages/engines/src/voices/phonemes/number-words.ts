/**
 * Numbers in English words. The phonemes of a number come from its words, so hyphens and commas only separate.
 *
 * A port of the number reading of hibari-tts (Apache-2.0, https://github.com/MMWilliams/hibari).
 */

const ONES =
  "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split(
    " ",
  );
const TENS = "zero ten twenty thirty forty fifty sixty seventy eighty ninety".split(" ");
const SCALES = ["", "thousand", "million", "billion", "trillion", "quadrillion", "quintillion", "sextillion"];
const IRREGULAR_ORDINALS: Readonly<Record<string, string>> = {
  one: "first",
  two: "second",
  three: "third",
  five: "fifth",
  eight: "eighth",
  nine: "ninth",
  twelve: "twelfth",
};
/** Longer ones are read digit by digit: no one follows a number of more groups. */
const CARDINAL_DIGITS_MAX = SCALES.length * 3;

function wordAt(words: readonly string[], index: number): string {
  return words[index] ?? "";
}

function belowThousand(number: number): string {
  const words: string[] = [];
  let rest = number;
  if (rest >= 100) {
    words.push(wordAt(ONES, Math.floor(rest / 100)), "hundred");
    rest %= 100;
    if (rest > 0) words.push("and");
  }
  if (rest >= 20) {
    const ones = rest % 10;
    words.push(wordAt(TENS, Math.floor(rest / 10)) + (ones === 0 ? "" : `-${wordAt(ONES, ones)}`));
  } else if (rest > 0 || words.length === 0) words.push(wordAt(ONES, rest));
  return words.join(" ");
}

export function sayDigits(digits: string): string {
  return Array.from(digits, (digit) => wordAt(ONES, Number(digit))).join(" ");
}

/** @param digits a whole number without separators */
export function sayCardinal(digits: string): string {
  const significant = digits.replace(/^0+(?=\d)/, "");
  if (significant.length > CARDINAL_DIGITS_MAX) return sayDigits(significant);
  const groups: string[] = [];
  const padded = significant.padStart(Math.ceil(significant.length / 3) * 3, "0");
  const count = padded.length / 3;
  for (let index = 0; index < count; index += 1) {
    const value = Number(padded.slice(index * 3, index * 3 + 3));
    if (value > 0) groups.push(`${belowThousand(value)} ${wordAt(SCALES, count - 1 - index)}`.trim());
  }
  return groups.length === 0 ? wordAt(ONES, 0) : groups.join(", ");
}

export function sayOrdinal(digits: string): string {
  const cardinal = sayCardinal(digits);
  const start = Math.max(cardinal.lastIndexOf(" "), cardinal.lastIndexOf("-")) + 1;
  return cardinal.slice(0, start) + makeOrdinal(cardinal.slice(start));
}

function makeOrdinal(word: string): string {
  const irregular = IRREGULAR_ORDINALS[word];
  if (irregular !== undefined) return irregular;
  return word.endsWith("y") ? `${word.slice(0, -1)}ieth` : `${word}th`;
}

/** "nineteen oh-five", "two thousand and five", "twenty ten" */
export function sayYear(digits: string): string {
  const year = Number(digits);
  const [high, low] = [Math.floor(year / 100), year % 100];
  if (high === 0 || (high % 10 === 0 && low < 10) || high >= 100) return sayCardinal(digits);
  const century = sayCardinal(String(high));
  if (low === 0) return `${century} hundred`;
  return `${century} ${low < 10 ? "oh-" : ""}${sayCardinal(String(low))}`;
}

/** @param number with one point; zeros at its end are not said */
export function sayDecimal(number: string): string {
  const [whole = "", fraction = ""] = number.split(".");
  const said = fraction.replace(/0+$/, "");
  const words = sayCardinal(whole === "" ? "0" : whole);
  return said === "" ? words : `${words} point ${sayDigits(said)}`;
}
