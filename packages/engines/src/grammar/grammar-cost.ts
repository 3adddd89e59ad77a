/**
 * Predicts the cost of a grammar in llama.cpp: its size, the number of paths in the search for left recursion, and the
 * number of stacks that each sampled token is tried on.
 *
 * @see https://github.com/ggml-org/llama.cpp/blob/master/src/llama-grammar.cpp
 */

import type { ShortestOf } from "./grammar-length.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { JSON_RULES } from "./json-text.ts";
import { GROUP_REPETITIONS } from "./print-grammar.ts";

export interface GrammarCost {
  /** Elements of its rules without those of JSON itself, which all schemas share; about 100 ns each to parse. */
  readonly size: number;
  /** Calls of the search for left recursion: it follows each path, also to rules that it has visited. */
  readonly ways: number;
  /** The most stacks that one position opens, each of which is tried with the whole vocabulary. */
  readonly stacks: number;
}

interface First {
  readonly ways: number;
  readonly stacks: number;
}

/** @param rules none of which begins with itself. */
export function measureCost(
  root: GrammarNode,
  rules: ReadonlyMap<string, GrammarNode>,
  shortestOf: ShortestOf,
): GrammarCost {
  const known = new Map<string, First>();
  const firstOf = (node: GrammarNode): First => {
    switch (node.kind) {
      case "literal":
        return { ways: 0, stacks: node.text === "" ? 0 : 1 };
      case "characters":
        return { ways: 0, stacks: 1 };
      case "sequence": {
        const end = node.items.findIndex((item) => shortestOf(item) > 0);
        return sum(node.items.slice(0, end === -1 ? undefined : end + 1).map(firstOf));
      }
      case "choice": {
        const { ways, stacks } = sum(node.options.map(firstOf));
        return { ways: ways + 1, stacks };
      }
      case "repeat": {
        const { ways, stacks } = firstOf(node.item);
        return { ways: ways + 1, stacks };
      }
      case "rule": {
        let first = known.get(node.name);
        const body = rules.get(node.name);
        if (first === undefined && body !== undefined) {
          const { ways, stacks } = firstOf(body);
          known.set(node.name, (first = { ways: ways + 1, stacks }));
        }
        return first ?? { ways: 0, stacks: 0 };
      }
    }
  };
  const bodies = [root, ...rules.values()];
  const own = [...rules].flatMap(([name, body]) => (JSON_RULES.has(name) ? [] : [body]));
  const firsts = bodies.map(firstOf);
  return {
    size: [root, ...own].reduce((total, body) => total + measureSize(body), 0),
    ways: firsts.reduce((total, { ways }) => total + ways, 0),
    stacks: bodies.reduce((most, body) => Math.max(most, countStacks(body, firstOf)), 0),
  };
}

function sum(firsts: readonly First[]): First {
  return firsts.reduce((all, { ways, stacks }) => ({ ways: all.ways + ways, stacks: all.stacks + stacks }), {
    ways: 0,
    stacks: 0,
  });
}

/** The most that any position within a node opens. */
function countStacks(node: GrammarNode, firstOf: (node: GrammarNode) => First): number {
  const own = firstOf(node).stacks;
  switch (node.kind) {
    case "sequence":
      return node.items.reduce((most, item) => Math.max(most, countStacks(item, firstOf)), own);
    case "choice":
      return node.options.reduce((most, option) => Math.max(most, countStacks(option, firstOf)), own);
    case "repeat":
      return Math.max(own, countStacks(node.item, firstOf));
    case "literal":
    case "characters":
    case "rule":
      return own;
  }
}

/** Includes the expansion of each repetition. */
function measureSize(node: GrammarNode): number {
  switch (node.kind) {
    case "literal":
      return node.text.length + 1;
    case "characters":
      return 2 * node.ranges.length;
    case "sequence":
      return node.items.reduce((size, item) => size + measureSize(item), 0);
    case "choice":
      return node.options.reduce((size, option) => size + measureSize(option) + 1, 0);
    case "repeat":
      return measureSize(node.item) + 4 * (countWritten(node.min) + countWritten((node.max ?? node.min) - node.min));
    case "rule":
      return 1;
  }
}

/** Nested groups: each level multiplies the repetitions of a group. */
function countWritten(count: number): number {
  return count <= GROUP_REPETITIONS
    ? count
    : 2 * GROUP_REPETITIONS + countWritten(Math.floor(count / GROUP_REPETITIONS));
}
