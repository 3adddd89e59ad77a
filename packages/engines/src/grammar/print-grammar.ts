/** Prints a grammar in GBNF, llama.cpp's dialect. The same grammar is always printed as the same text. */

import type { CharacterRange, Grammar, GrammarNode } from "./grammar-node.ts";

/** The name that GBNF starts at. */
const ROOT = "root";

/**
 * Only a rule or a character is repeated: llama.cpp limits repetitions by their expanded size, which is a multiple of a
 * group's size, but 1 for a name.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
 */
export function printGrammar({ root, rules }: Grammar): string {
  const groups = new Map<string, string>();
  const nameGroup = (text: string) => {
    const name = groups.get(text) ?? `group-${groups.size + 1}`;
    groups.set(text, name);
    return name;
  };
  const lines = [`${ROOT} ::= ${printNode(root, nameGroup)}`];
  for (const [name, node] of rules) lines.push(`${name} ::= ${printNode(node, nameGroup)}`);
  for (const [text, name] of groups) lines.push(`${name} ::= ${text}`);
  return `${lines.join("\n")}\n`;
}

/** Names the text of a node. */
type NameGroup = (text: string) => string;

function printNode(node: GrammarNode, nameGroup: NameGroup): string {
  const print = (part: GrammarNode) => printNode(part, nameGroup);
  switch (node.kind) {
    case "literal":
      return `"${Array.from(node.text, printLiteralCharacter).join("")}"`;
    case "characters":
      return `[${node.ranges.map(printRange).join("")}]`;
    case "sequence":
      return node.items.map((item) => (item.kind === "choice" ? `(${print(item)})` : print(item))).join(" ");
    case "choice":
      return node.options.map(print).join(" | ");
    case "repeat": {
      const { item, min, max } = node;
      const isSingle = item.kind === "rule" || (item.kind === "characters" && item.ranges.length <= RANGES_WRITTEN_MAX);
      const text = isSingle ? print(item) : nameGroup(print(item));
      const exactly = countExactly(text, min, nameGroup);
      if (max === null) return [...exactly, `${text}*`].join(" ");
      return [...exactly, ...countUpTo(text, max - min, nameGroup)].join(" ") || '""';
    }
    case "rule":
      return node.name;
  }
}

/** A set with more ranges is printed once, and referred to by name. */
const RANGES_WRITTEN_MAX = 4;
/** llama.cpp expands each repetition, up to 2,000: more are printed as nested groups. */
export const GROUP_REPETITIONS = 32;

function countExactly(item: string, count: number, nameGroup: NameGroup): readonly string[] {
  if (count === 0) return [];
  if (count === 1) return [item];
  if (count <= GROUP_REPETITIONS) return [`${item}{${count}}`];
  const group = nameGroup(`${item}{${GROUP_REPETITIONS}}`);
  const groups = Math.floor(count / GROUP_REPETITIONS);
  return [...countExactly(group, groups, nameGroup), ...countExactly(item, count % GROUP_REPETITIONS, nameGroup)];
}

/** Whole groups, then less than two of them, so that few ways lead to the same number. */
function countUpTo(item: string, count: number, nameGroup: NameGroup): readonly string[] {
  if (count === 0) return [];
  if (count === 1) return [`${item}?`];
  if (count <= GROUP_REPETITIONS) return [`${item}{0,${count}}`];
  const group = nameGroup(`${item}{${GROUP_REPETITIONS}}`);
  const groups = Math.floor(count / GROUP_REPETITIONS) - 1;
  const rest = GROUP_REPETITIONS + (count % GROUP_REPETITIONS);
  return [...countUpTo(group, groups, nameGroup), `${item}{0,${rest}}`];
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
