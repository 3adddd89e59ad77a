/** Samples a text of a grammar at random. */

import { measureGrammar } from "./grammar-length.ts";
import { intersectRanges } from "./grammar-node.ts";
import type { CharacterRange, Grammar, GrammarNode } from "./grammar-node.ts";

/** From 0 to below 1. */
export type Random = () => number;

/** Items beyond the minimum of an unlimited repetition. */
const REPETITIONS_MAX = 4;
/** Random choices before the shortest way to the end is taken. */
const CHANCES = 200;

export interface SampleOptions {
  /** Prefers lower-case letters where they are allowed. Default: any character. */
  readonly isReadable?: boolean;
}

/** @throws RangeError when the grammar has no text that ends. */
export function sampleGrammar(grammar: Grammar, random: Random, options: SampleOptions = {}): string {
  const { root, rules } = grammar;
  const shortestOf = measureGrammar(grammar);
  if (!Number.isFinite(shortestOf(root))) throw new RangeError("The grammar has no text that ends.");
  let chances = CHANCES;
  const pick = (count: number) => {
    chances -= 1;
    return chances > 0 ? Math.floor(random() * count) : 0;
  };
  const speak = (node: GrammarNode): string => {
    switch (node.kind) {
      case "literal":
        return node.text;
      case "characters":
        return speakCharacter(options.isReadable === true ? preferLetters(node.ranges) : node.ranges, pick);
      case "sequence":
        return node.items.map(speak).join("");
      case "choice": {
        const letter = options.isReadable === true ? node.options.find(hasLetters) : undefined;
        if (letter !== undefined) return speak(letter);
        const ending = node.options.filter((option) => Number.isFinite(shortestOf(option)));
        const shortest = ending.toSorted((left, right) => shortestOf(left) - shortestOf(right));
        return speak((chances > 1 ? ending : shortest)[pick(ending.length)] ?? node);
      }
      case "repeat": {
        const spare = Number.isFinite(shortestOf(node.item)) ? (node.max ?? node.min + REPETITIONS_MAX) - node.min : 0;
        const count = node.min + pick(Math.min(spare, REPETITIONS_MAX) + 1);
        return Array.from({ length: count }, () => speak(node.item)).join("");
      }
      case "rule":
        return speak(rules.get(node.name) ?? { kind: "choice", options: [] });
    }
  };
  return speak(root);
}

const LETTERS: readonly CharacterRange[] = [[0x61, 0x7a]];

function hasLetters(node: GrammarNode): boolean {
  return node.kind === "characters" && intersectRanges(node.ranges, LETTERS).length > 0;
}

function preferLetters(ranges: readonly CharacterRange[]): readonly CharacterRange[] {
  const letters = intersectRanges(ranges, LETTERS);
  return letters.length > 0 ? letters : ranges;
}

function speakCharacter(ranges: readonly CharacterRange[], pick: (count: number) => number): string {
  const [first, last] = ranges[pick(ranges.length)] ?? [0, 0];
  return String.fromCodePoint(first + pick(last - first + 1));
}

/** Random numbers that are the same for the same seed. */
export function createSeededRandom(seed: number): Random {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
