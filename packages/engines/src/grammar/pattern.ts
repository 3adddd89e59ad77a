/**
 * A regular expression of a JSON Schema (ECMAScript, with the flag `u`) as a grammar of strings. Where the expression
 * knows more characters than are worth to be written, a part of them is left out; nothing is ever added.
 */

import {
  NOTHING,
  REPETITIONS_MAX,
  choice,
  invertRanges,
  normaliseRanges,
  repeat,
  rule,
  sequence,
} from "./grammar-node.ts";
import type { CharacterRange, GrammarNode } from "./grammar-node.ts";
import { characterWithin } from "./string-text.ts";

/** Why a pattern can't be a grammar. */
export class PatternError extends Error {
  override readonly name = "PatternError";
}

const PATTERN_LENGTH_MAX = 1000;

/** @throws PatternError */
export function compilePattern(pattern: string): GrammarNode {
  if (pattern.length > PATTERN_LENGTH_MAX) throw new PatternError(`it is longer than ${PATTERN_LENGTH_MAX} characters`);
  const parser = new PatternParser(pattern);
  return parser.parse();
}

const range = (first: string, last = first): CharacterRange => [first.codePointAt(0) ?? 0, last.codePointAt(0) ?? 0];
const DIGITS = [range("0", "9")];
const WORD = [range("0", "9"), range("A", "Z"), range("_"), range("a", "z")];
/** ECMAScript's white space and line ends. */
const SPACE = normaliseRanges(
  Array.from(" \u00a0\u1680\u2028\u2029\u202f\u205f\u3000\ufeff", (character) => range(character)).concat([
    range("\t", "\r"),
    range("\u2000", "\u200a"),
  ]),
);
const LINE_ENDS = [range("\n"), range("\r"), range("\u2028", "\u2029")];
const SETS: ReadonlyMap<string, readonly CharacterRange[]> = new Map([
  ["d", DIGITS],
  ["D", invertRanges(DIGITS)],
  ["w", WORD],
  ["W", invertRanges(WORD)],
  ["s", SPACE],
  ["S", invertRanges(SPACE)],
]);
const CONTROLS: ReadonlyMap<string, string> = new Map([
  ["f", "\f"],
  ["n", "\n"],
  ["r", "\r"],
  ["t", "\t"],
  ["v", "\v"],
  ["0", "\0"],
]);
const SYNTAX = new Set("^$\\.*+?()[]{}|/-");
const ANYTHING = repeat(rule("character"), 0, null);

class PatternParser {
  readonly #characters: readonly string[];
  #at = 0;
  #depth = 0;

  constructor(pattern: string) {
    this.#characters = Array.from(pattern);
  }

  parse(): GrammarNode {
    const node = this.#alternatives();
    if (this.#at < this.#characters.length) throw new PatternError("it has a ')' too many");
    return node;
  }

  /** Outside of groups each alternative may begin with `^` and end with `$`; without them anything may come there. */
  #alternatives(): GrammarNode {
    const options = [this.#alternative()];
    while (this.#take("|")) options.push(this.#alternative());
    return choice(...options);
  }

  #alternative(): GrammarNode {
    const isOuter = this.#depth === 0;
    const before = isOuter && !this.#take("^") ? ANYTHING : NOTHING;
    const items: GrammarNode[] = [];
    let after = isOuter ? ANYTHING : NOTHING;
    while (this.#at < this.#characters.length && this.#peek() !== "|" && this.#peek() !== ")") {
      if (isOuter && this.#peek() === "$" && [undefined, "|"].includes(this.#characters[this.#at + 1])) {
        this.#at += 1;
        after = NOTHING;
        break;
      }
      items.push(this.#quantified(this.#atom()));
    }
    return sequence(before, ...items, after);
  }

  #atom(): GrammarNode {
    const character = this.#next();
    switch (character) {
      case "(":
        return this.#group();
      case "[":
        return characterWithin(this.#set());
      case ".":
        return characterWithin(invertRanges(LINE_ENDS));
      case "\\":
        return characterWithin(this.#escape());
      case "^":
      case "$":
        throw new PatternError(`'${character}' stands in the middle of it`);
      case "*":
      case "+":
      case "?":
      case "{":
      case "}":
      case "]":
        throw new PatternError(`'${character}' stands where it means nothing`);
      default:
        return characterWithin([range(character)]);
    }
  }

  #group(): GrammarNode {
    if (this.#take("?") && !this.#take(":")) {
      if (!this.#take("<") || ["=", "!"].includes(this.#peek())) throw new PatternError("it looks ahead or behind");
      while (this.#next() !== ">");
    }
    this.#depth += 1;
    const node = this.#alternatives();
    this.#depth -= 1;
    if (!this.#take(")")) throw new PatternError("a group is not closed");
    return node;
  }

  #quantified(item: GrammarNode): GrammarNode {
    const [min, max] = this.#quantifier() ?? [1, 1];
    this.#take("?");
    if (Math.max(min, max ?? 0) > REPETITIONS_MAX)
      throw new PatternError(`it repeats more than ${REPETITIONS_MAX} times`);
    if (max !== null && max < min) throw new PatternError("a repetition has its numbers in the wrong order");
    return min === 1 && max === 1 ? item : repeat(item, min, max);
  }

  #quantifier(): [number, number | null] | null {
    if (this.#take("*")) return [0, null];
    if (this.#take("+")) return [1, null];
    if (this.#take("?")) return [0, 1];
    const rest = this.#characters.slice(this.#at, this.#at + COUNT_LENGTH_MAX).join("");
    const [text, from, comma, to] = /^\{(\d+)(,?)(\d*)\}/.exec(rest) ?? [];
    if (text === undefined) return null;
    this.#at += text.length;
    return [Number(from), comma === "" ? Number(from) : to === "" ? null : Number(to)];
  }

  #set(): readonly CharacterRange[] {
    const isInverted = this.#take("^");
    const ranges: CharacterRange[] = [];
    while (!this.#take("]")) {
      const first = this.#member();
      const isRange = this.#peek() === "-" && this.#characters[this.#at + 1] !== "]";
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#at += 1;
      ranges.push(joinRange(first, this.#member()));
    }
    return isInverted ? invertRanges(ranges) : normaliseRanges(ranges);
  }

  #member(): readonly CharacterRange[] {
    const character = this.#next();
    if (character !== "\\") return [range(character)];
    if (this.#take("b")) return [range("\b")];
    return this.#escape();
  }

  #escape(): readonly CharacterRange[] {
    const letter = this.#next();
    const set = SETS.get(letter);
    if (set !== undefined) return set;
    const control = CONTROLS.get(letter);
    if (control !== undefined) return [range(control)];
    if (letter === "x" || letter === "u") return [this.#hexadecimal(letter === "x" ? 2 : 4)];
    if (SYNTAX.has(letter)) return [range(letter)];
    throw new PatternError(`'\\${letter}' is not supported`);
  }

  #hexadecimal(length: number): CharacterRange {
    const isLong = length === 4 && this.#take("{");
    let digits = "";
    if (isLong) for (let digit = this.#next(); digit !== "}"; digit = this.#next()) digits += digit;
    else while (digits.length < length) digits += this.#next();
    const code = Number.parseInt(digits, 16);
    if (!/^[\da-f]{1,6}$/i.test(digits) || code > 0x10ffff)
      throw new PatternError("an escape has no code of a character");
    if (code >= 0xd800 && code <= 0xdfff) throw new PatternError("an escape is half a character");
    return [code, code];
  }

  #peek(): string {
    return this.#characters[this.#at] ?? "";
  }

  #next(): string {
    const character = this.#characters[this.#at];
    if (character === undefined) throw new PatternError("it ends too early");
    this.#at += 1;
    return character;
  }

  #take(character: string): boolean {
    if (this.#peek() !== character) return false;
    this.#at += 1;
    return true;
  }
}

/** `{1000,2000}` and what may surround the numbers. */
const COUNT_LENGTH_MAX = 20;

function joinRange(first: readonly CharacterRange[], last: readonly CharacterRange[]): CharacterRange {
  const [[from = 0, fromEnd = -1] = [], [to = 0, toEnd = -1] = []] = [first[0], last[0]];
  const isOrdered = first.length === 1 && last.length === 1 && from === fromEnd && to === toEnd && from <= to;
  if (!isOrdered) throw new PatternError("a range in it has no two ends");
  return [from, to];
}
