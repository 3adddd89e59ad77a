/** Strings as JSON spells them: what is a character of the value may be two of the text. */

import { characters, choice, intersectRanges, invertRanges, literal, repeat, rule, sequence } from "./grammar-node.ts";
import type { CharacterRange, GrammarNode } from "./grammar-node.ts";
import { DIGIT } from "./json-text.ts";

/** What a string of JSON can't hold as it is. */
const ESCAPED: ReadonlyMap<number, string> = new Map(
  Array.from({ length: 0x20 }, (_, code): [number, string] => [
    code,
    JSON.stringify(String.fromCodePoint(code)).slice(1, -1),
  ]),
)
  .set(0x22, '\\"')
  .set(0x5c, "\\\\");
const PLAIN = invertRanges([...ESCAPED.keys()].map((code): CharacterRange => [code, code]));

/** A character of any of the ranges, as it stands in a string. Without one, the node has no text. */
export function characterWithin(ranges: readonly CharacterRange[]): GrammarNode {
  const plain = intersectRanges(ranges, PLAIN);
  const escaped = [...ESCAPED].filter(([code]) => ranges.some(([first, last]) => first <= code && code <= last));
  const options = escaped.map(([, text]) => literal(text));
  if (plain.length > 0 || options.length === 0) options.unshift({ kind: "characters", ranges: plain });
  return choice(...options);
}

export function quoted(content: GrammarNode): GrammarNode {
  return sequence(literal('"'), content, literal('"'));
}

/** Any string of so many characters. */
export function stringOfLength(min: number, max: number | null): GrammarNode {
  return min === 0 && max === null ? rule("string") : quoted(repeat(rule("character"), min, max));
}

const digits = (count: number) => repeat(DIGIT, count, count);
const upTo = (tens: string, last: string) => sequence(literal(tens), characters("", ["0", last]));

const DAYS_28 = choice(
  sequence(literal("0"), characters("", ["1", "9"])),
  sequence(literal("1"), DIGIT),
  upTo("2", "8"),
);
const month = (...numbers: readonly string[]) => choice(...numbers.map(literal));
/** Without 29 February, so that every date exists. */
const DATE = sequence(
  digits(4),
  literal("-"),
  choice(
    sequence(
      choice(month("01", "03", "05", "07", "08", "10", "12"), month("04", "06", "09", "11", "02")),
      literal("-"),
      DAYS_28,
    ),
    sequence(month("01", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"), literal("-"), month("29", "30")),
    sequence(month("01", "03", "05", "07", "08", "10", "12"), literal("-31")),
  ),
);
const HOUR = choice(sequence(characters("01"), DIGIT), upTo("2", "3"));
const SIXTY = sequence(characters("", ["0", "5"]), DIGIT);
const ZONE = choice(literal("Z"), sequence(characters("+-"), HOUR, literal(":"), SIXTY));
const FRACTION = sequence(literal("."), repeat(DIGIT, 1, 6));
const TIME = sequence(HOUR, literal(":"), SIXTY, literal(":"), SIXTY, repeat(FRACTION, 0, 1), ZONE);
const HEXADECIMAL = characters("", ["0", "9"], ["a", "f"]);
const hexadecimals = (count: number) => repeat(HEXADECIMAL, count, count);
const UUID = sequence(hexadecimals(8), ...[4, 4, 4, 12].flatMap((count) => [literal("-"), hexadecimals(count)]));
const OCTET = choice(
  sequence(literal("25"), characters("", ["0", "5"])),
  sequence(literal("2"), characters("", ["0", "4"]), DIGIT),
  sequence(literal("1"), DIGIT, DIGIT),
  sequence(characters("", ["1", "9"]), DIGIT),
  DIGIT,
);
const LETTER_OR_DIGIT = characters("", ["a", "z"], ["0", "9"]);
const LABEL = sequence(LETTER_OR_DIGIT, repeat(LETTER_OR_DIGIT, 0, 20));
const HOST = sequence(LABEL, repeat(sequence(literal("."), LABEL), 1, 3));
const MAILBOX = sequence(LETTER_OR_DIGIT, repeat(characters("_-", ["a", "z"], ["0", "9"]), 0, 30));

/** The content of a string of a format: of a wide one the usual part. Formats that are not here can't be kept to. */
export const FORMATS: ReadonlyMap<string, GrammarNode> = new Map([
  ["date", DATE],
  ["time", TIME],
  ["date-time", sequence(DATE, literal("T"), TIME)],
  ["uuid", UUID],
  ["ipv4", sequence(OCTET, ...Array.from({ length: 3 }, () => sequence(literal("."), OCTET)))],
  ["hostname", HOST],
  ["email", sequence(MAILBOX, literal("@"), HOST)],
  [
    "uri",
    sequence(
      literal("http"),
      repeat(literal("s"), 0, 1),
      literal("://"),
      HOST,
      repeat(sequence(literal("/"), LABEL), 0, 5),
    ),
  ],
]);
