/** The grammar of JSON itself. White space is bounded, so that a weak model can't repeat it for ever. */

import { characters, choice, literal, optional, repeat, rule, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";

/** After a comma or a colon. */
const BLANK: GrammarNode = optional(literal(" "));
export const COMMA: GrammarNode = sequence(literal(","), BLANK);
export const COLON: GrammarNode = sequence(literal(":"), BLANK);

export const DIGIT: GrammarNode = characters("", ["0", "9"]);
const NONZERO_DIGIT = characters("", ["1", "9"]);
const HEXADECIMAL = characters("", ["0", "9"], ["a", "f"], ["A", "F"]);

/** Digits of an integer, of a fraction and of an exponent: the precision of a double. */
const INTEGER_DIGITS_MAX = 15;
export const FRACTION_DIGITS_MAX = 15;
const EXPONENT_DIGITS_MAX = 2;

/** One character of a string: literal, or escaped. Surrogates have no escape here. */
const STRING_CHARACTER = choice(
  {
    kind: "characters",
    ranges: [
      [0x20, 0x21],
      [0x23, 0x5b],
      [0x5d, 0xd7ff],
      [0xe000, 0x10ffff],
    ],
  },
  sequence(literal("\\"), characters('"\\/bfnrt')),
  sequence(
    literal("\\u"),
    choice(
      sequence(characters("", ["0", "9"], ["a", "c"], ["A", "C"], ["e", "f"], ["E", "F"]), repeat(HEXADECIMAL, 3, 3)),
      sequence(characters("dD"), characters("", ["0", "7"]), repeat(HEXADECIMAL, 2, 2)),
    ),
  ),
);

export const INTEGER = sequence(
  optional(literal("-")),
  choice(literal("0"), sequence(NONZERO_DIGIT, repeat(DIGIT, 0, INTEGER_DIGITS_MAX - 1))),
);

const FRACTION = sequence(literal("."), repeat(DIGIT, 1, FRACTION_DIGITS_MAX));

/** Without an exponent, and without references to rules. */
export const PLAIN_NUMBER = sequence(INTEGER, optional(FRACTION));

/** Rules that others refer to by name. */
export const JSON_RULES: ReadonlyMap<string, GrammarNode> = new Map([
  ["character", STRING_CHARACTER],
  ["string", sequence(literal('"'), repeat(rule("character"), 0, null), literal('"'))],
  ["integer", INTEGER],
  [
    "number",
    sequence(
      rule("integer"),
      optional(FRACTION),
      optional(sequence(characters("eE"), optional(characters("+-")), repeat(DIGIT, 1, EXPONENT_DIGITS_MAX))),
    ),
  ],
  ["boolean", choice(literal("true"), literal("false"))],
  ["null", literal("null")],
  ["member", sequence(rule("string"), COLON, rule("value"))],
  ["object", wrap("{", rule("member"), "}")],
  ["array", wrap("[", rule("value"), "]")],
  ["value", choice(...["object", "array", "string", "number", "boolean", "null"].map(rule))],
]);

function wrap(opening: string, item: GrammarNode, closing: string): GrammarNode {
  const items = sequence(item, repeat(sequence(COMMA, item), 0, null));
  return sequence(literal(opening), optional(items), literal(closing));
}
