/** Follows a text through a grammar: which continuations are allowed, and the shortest ending. */

import { measureGrammar } from "./grammar-length.ts";
import type { ShortestOf } from "./grammar-length.ts";
import { intersectRanges, literal, repeat } from "./grammar-node.ts";
import type { CharacterRange, Grammar, GrammarNode } from "./grammar-node.ts";

/** The position after some text. Immutable: it can be advanced in several ways. */
export interface GrammarPosition {
  /** How many UTF-16 code units the shortest ending has; a character beyond U+FFFF counts as one. */
  readonly shortestLength: number;
  /** Number of ways to parse the text; llama.cpp tries a token on each. */
  readonly ways: number;
  /** Equal for equal positions. */
  readonly key: string;
  /** Possible next characters, one for each set of ways that continues with it. */
  listNext(): readonly string[];
  /**
   * @returns null where no text of the grammar continues so, or in too many ways to follow.
   * @param text whole characters.
   */
  advance(text: string): GrammarPosition | null;
  /** The shortest text that completes the text so far. */
  end(): string;
}

/** The rest of the text as a stack: the next node is on top. Equal stacks are the same object. */
interface Stack {
  readonly id: number;
  readonly node: GrammarNode;
  readonly rest: Stack | null;
  readonly shortest: number;
}

/** Grammars with as many ways are refused by `grammar-ways.ts`, but its search is bounded. */
const WAYS_FOLLOWED_MAX = 4096;

export function openGrammar(grammar: Grammar): GrammarPosition {
  return new Walker(grammar).start();
}

class Walker {
  readonly #grammar: Grammar;
  readonly #shortestOf: ShortestOf;
  /** Stacks by the stack below, then by the node on top. */
  readonly #stacks = new Map<Stack | null, Map<GrammarNode, Stack>>();
  readonly #literals = new Map<string, GrammarNode>();
  readonly #repeats = new Map<GrammarNode, GrammarNode>();
  #count = 0;

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
    this.#shortestOf = measureGrammar(grammar);
  }

  start(): GrammarPosition {
    return this.#positionAt(this.#open([this.#push(this.#grammar.root, null)]));
  }

  /** @param stacks those that a character comes next in; null for one that has ended. */
  #positionAt(stacks: ReadonlySet<Stack | null>): GrammarPosition {
    let best: Stack | null = null;
    let shortestLength = Number.POSITIVE_INFINITY;
    for (const stack of stacks) {
      const length = stack?.shortest ?? 0;
      if (length >= shortestLength) continue;
      best = stack;
      shortestLength = length;
    }
    return {
      shortestLength,
      ways: stacks.size,
      get key() {
        return Array.from(stacks, (stack) => stack?.id ?? -1)
          .toSorted((left, right) => left - right)
          .join();
      },
      listNext: () => listFirstCharacters(stacks),
      advance: (text) => {
        let next = stacks;
        for (const character of text) {
          next = this.#open(this.#read(next, character));
          if (next.size === 0 || next.size > WAYS_FOLLOWED_MAX) return null;
        }
        return this.#positionAt(next);
      },
      end: () => {
        let text = "";
        for (let stack = best; stack !== null; stack = stack.rest) text += this.#speakShortest(stack.node);
        return text;
      },
    };
  }

  #push(node: GrammarNode, rest: Stack | null): Stack {
    let siblings = this.#stacks.get(rest);
    if (siblings === undefined) this.#stacks.set(rest, (siblings = new Map<GrammarNode, Stack>()));
    let stack = siblings.get(node);
    if (stack === undefined) {
      this.#count += 1;
      stack = { id: this.#count, node, rest, shortest: this.#shortestOf(node) + (rest?.shortest ?? 0) };
      siblings.set(node, stack);
    }
    return stack;
  }

  /** Expands the top node until it is a character. */
  #open(stacks: readonly (Stack | null)[]): ReadonlySet<Stack | null> {
    const seen = new Set<Stack | null>();
    const opened = new Set<Stack | null>();
    const waiting = [...stacks];
    for (let stack = waiting.pop(); stack !== undefined; stack = waiting.pop()) {
      if (seen.has(stack)) continue;
      seen.add(stack);
      if (stack === null || readsCharacter(stack.node)) opened.add(stack);
      else waiting.push(...this.#expand(stack.node, stack.rest));
    }
    return opened;
  }

  #expand(node: GrammarNode, rest: Stack | null): readonly (Stack | null)[] {
    switch (node.kind) {
      case "literal":
      case "characters":
        return [rest];
      case "sequence":
        return [node.items.reduceRight((below: Stack | null, item) => this.#push(item, below), rest)];
      case "choice":
        return node.options.map((option) => this.#push(option, rest));
      case "repeat": {
        const { item, min, max } = node;
        const once = max === 0 ? [] : [this.#push(item, this.#push(this.#repeatAgain(node), rest))];
        return min === 0 ? [rest, ...once] : once;
      }
      case "rule": {
        const body = this.#grammar.rules.get(node.name);
        return body === undefined ? [] : [this.#push(body, rest)];
      }
    }
  }

  /** The rest of a repetition after one item. */
  #repeatAgain(node: GrammarNode & { readonly kind: "repeat" }): GrammarNode {
    if (node.min === 0 && node.max === null) return node;
    let again = this.#repeats.get(node);
    if (again === undefined) {
      again = repeat(node.item, Math.max(0, node.min - 1), node.max === null ? null : node.max - 1);
      this.#repeats.set(node, again);
    }
    return again;
  }

  #read(stacks: ReadonlySet<Stack | null>, character: string): (Stack | null)[] {
    const next: (Stack | null)[] = [];
    for (const stack of stacks) {
      if (stack === null) continue;
      const { node, rest } = stack;
      if (node.kind === "literal" && node.text.startsWith(character)) {
        const left = node.text.slice(character.length);
        next.push(left === "" ? rest : this.#push(this.#literalOf(left), rest));
      } else if (node.kind === "characters" && isInRanges(node.ranges, character.codePointAt(0) ?? 0)) {
        next.push(rest);
      }
    }
    return next;
  }

  #literalOf(text: string): GrammarNode {
    let node = this.#literals.get(text);
    if (node === undefined) this.#literals.set(text, (node = literal(text)));
    return node;
  }

  #speakShortest(node: GrammarNode): string {
    switch (node.kind) {
      case "literal":
        return node.text;
      case "characters":
        return speakPlainest(node.ranges);
      case "sequence":
        return node.items.map((item) => this.#speakShortest(item)).join("");
      case "choice": {
        const lengths = node.options.map(this.#shortestOf);
        const option = node.options[lengths.indexOf(Math.min(...lengths))];
        return option === undefined ? "" : this.#speakShortest(option);
      }
      case "repeat":
        return node.min === 0 ? "" : this.#speakShortest(node.item).repeat(node.min);
      case "rule": {
        const body = this.#grammar.rules.get(node.name);
        return body === undefined ? "" : this.#speakShortest(body);
      }
    }
  }
}

/** Where two sets share characters, they share the first one of either. */
function listFirstCharacters(stacks: ReadonlySet<Stack | null>): readonly string[] {
  const firsts = new Set<string>();
  for (const stack of stacks) {
    if (stack?.node.kind === "literal") firsts.add(String.fromCodePoint(stack.node.text.codePointAt(0) ?? 0));
    if (stack?.node.kind !== "characters") continue;
    for (const [first] of stack.node.ranges) firsts.add(String.fromCodePoint(first));
  }
  return [...firsts];
}

function readsCharacter(node: GrammarNode): boolean {
  return node.kind === "literal" ? node.text !== "" : node.kind === "characters";
}

function isInRanges(ranges: readonly CharacterRange[], codePoint: number): boolean {
  return ranges.some(([first, last]) => first <= codePoint && codePoint <= last);
}

/** Lower-case letters and digits, then any printable character. */
const PLAIN: readonly (readonly CharacterRange[])[] = [[[0x61, 0x7a]], [[0x30, 0x39]], [[0x21, 0x7e]]];

function speakPlainest(ranges: readonly CharacterRange[]): string {
  const plain = PLAIN.map((candidate) => intersectRanges(ranges, candidate)).find(({ length }) => length > 0);
  const [[first] = [0]] = plain ?? ranges;
  return String.fromCodePoint(first);
}
