/** Strings as JSON text: one character of the value may be two of the text. */

import { choice, intersectRanges, invertRanges, literal, repeat, rule, sequence } from "./grammar-node.ts";
import type { CharacterRange, GrammarNode } from "./grammar-node.ts";
import { oneOfTexts } from "./text-choice.ts";

/** Characters that must be escaped in a JSON string, and their escapes. */
const ESCAPED: ReadonlyMap<number, string> = new Map(
  [...Array.from({ length: 0x20 }, (_, code) => code), 0x22, 0x5c].map((code): [number, string] => [
    code,
    JSON.stringify(String.fromCodePoint(code)).slice(1, -1),
  ]),
);
const PLAIN = invertRanges([...ESCAPED.keys()].map((code): CharacterRange => [code, code]));

/** One character of any of the ranges, as written in a string. With no range, the node has no text. */
export function characterWithin(ranges: readonly CharacterRange[]): GrammarNode {
  const plain = intersectRanges(ranges, PLAIN);
  const escaped = [...ESCAPED].filter(([code]) => ranges.some(([first, last]) => first <= code && code <= last));
  const options = escaped.length === 0 ? [] : [oneOfTexts(escaped.map(([, text]) => text))];
  if (plain.length > 0 || options.length === 0) options.unshift({ kind: "characters", ranges: plain });
  return choice(...options);
}

export function quoted(content: GrammarNode): GrammarNode {
  return sequence(literal('"'), content, literal('"'));
}

/** Any string with a number of characters in this range. */
export function stringOfLength(min: number, max: number | null): GrammarNode {
  return min === 0 && max === null ? rule("string") : quoted(repeat(rule("character"), min, max));
}
