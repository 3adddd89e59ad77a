/** A grammar in GBNF, the dialect of llama.cpp. The same grammar is always the same text. */

import type { CharacterRange, Grammar, GrammarNode } from "./grammar-node.ts";

/** The name that GBNF starts at. */
const ROOT = "root";

/** @see https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md */
export function printGrammar({ root, rules }: Grammar): string {
  const lines = [...rules].map(([name, node]) => `${name} ::= ${printNode(node)}`);
  return `${[`${ROOT} ::= ${printNode(root)}`, ...lines].join("\n")}\n`;
}

function printNode(node: GrammarNode): string {
  switch (node.kind) {
    case "literal":
      return `"${Array.from(node.text, printLiteralCharacter).join("")}"`;
    case "characters":
      return `[${node.ranges.map(printRange).join("")}]`;
    case "sequence":
      return node.items.map((item) => (item.kind === "choice" ? `(${printNode(item)})` : printNode(item))).join(" ");
    case "choice":
      return node.options.map(printNode).join(" | ");
    case "repeat":
      return `${printItem(node.item)}${printCount(node.min, node.max)}`;
    case "rule":
      return node.name;
  }
}

/** A literal of several characters is repeated as a whole only in parentheses. */
function printItem(item: GrammarNode): string {
  const text = printNode(item);
  return item.kind === "rule" || item.kind === "characters" ? text : `(${text})`;
}

function printCount(min: number, max: number | null): string {
  if (max === null) return min === 0 ? "*" : min === 1 ? "+" : `{${min},}`;
  if (min === 0 && max === 1) return "?";
  return min === max ? `{${min}}` : `{${min},${max}}`;
}

const PLAIN_IN_LITERAL = /^[\x20\x21\x23-\x5b\x5d-\x7e]$/;

function printLiteralCharacter(character: string): string {
  return PLAIN_IN_LITERAL.test(character) ? character : printCodePoint(character.codePointAt(0) ?? 0);
}

function printRange([first, last]: CharacterRange): string {
  return first === last ? printCodePoint(first) : `${printCodePoint(first)}-${printCodePoint(last)}`;
}

const PLAIN_IN_SET = /^[0-9A-Za-z]$/;

function printCodePoint(codePoint: number): string {
  const character = String.fromCodePoint(codePoint);
  if (PLAIN_IN_SET.test(character)) return character;
  const hexadecimal = codePoint.toString(16);
  if (codePoint <= 0xff) return `\\x${hexadecimal.padStart(2, "0")}`;
  if (codePoint <= 0xffff) return `\\u${hexadecimal.padStart(4, "0")}`;
  return `\\U${hexadecimal.padStart(8, "0")}`;
}
