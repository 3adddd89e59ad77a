/** Lengths of the texts of a grammar: finds rules that never end, and left recursion. */

import type { Grammar, GrammarNode } from "./grammar-node.ts";
import type { Spend } from "./work-budget.ts";

/** Of the shortest text; infinite for a node that never ends. */
export type ShortestOf = (node: GrammarNode) => number;

/**
 * A rule that has become shorter may shorten those that hold it, until nothing changes any more.
 *
 * @param spend called with the nodes that are looked at. Default: there is no limit.
 */
export function measureShortest(rules: ReadonlyMap<string, GrammarNode>, spend?: Spend): ShortestOf {
  const known = new Map<string, number>();
  let measured: WeakMap<GrammarNode, number> | null = null;
  const shortestOf: ShortestOf = (node) => {
    const remembered = measured?.get(node);
    if (remembered !== undefined) return remembered;
    const shortest = measure(node);
    measured?.set(node, shortest);
    return shortest;
  };
  const measure = (node: GrammarNode): number => {
    spend?.(1);
    switch (node.kind) {
      case "literal":
        return node.text.length;
      case "characters":
        return node.ranges.length === 0 ? Number.POSITIVE_INFINITY : 1;
      case "sequence":
        return node.items.reduce((sum, item) => sum + shortestOf(item), 0);
      case "choice":
        return node.options.reduce((least, option) => Math.min(least, shortestOf(option)), Number.POSITIVE_INFINITY);
      case "repeat":
        return node.min === 0 ? 0 : node.min * shortestOf(node.item);
      case "rule":
        return known.get(node.name) ?? Number.POSITIVE_INFINITY;
    }
  };
  const holders = mapHolders(rules);
  const waiting = new Set(sortRules(rules));
  for (const name of waiting) {
    waiting.delete(name);
    const node = rules.get(name);
    const shortest = node === undefined ? Number.POSITIVE_INFINITY : shortestOf(node);
    if (shortest >= (known.get(name) ?? Number.POSITIVE_INFINITY)) continue;
    known.set(name, shortest);
    for (const holder of holders.get(name) ?? []) waiting.add(holder);
  }
  measured = new WeakMap();
  return shortestOf;
}

const measured = new WeakMap<Grammar, ShortestOf>();

/** The same for all of a grammar, once for each. */
export function measureGrammar(grammar: Grammar): ShortestOf {
  let shortestOf = measured.get(grammar);
  if (shortestOf === undefined) measured.set(grammar, (shortestOf = measureShortest(grammar.rules)));
  return shortestOf;
}

/** Topological order where possible: each rule after those that it refers to. */
function sortRules(rules: ReadonlyMap<string, GrammarNode>): readonly string[] {
  const sorted = new Set<string>();
  const entered = new Set<string>();
  for (const start of rules.keys()) {
    const path = [start];
    for (let name = path.at(-1); name !== undefined; name = path.at(-1)) {
      const node = rules.get(name);
      if (node === undefined || entered.has(name)) {
        sorted.add(name);
        path.pop();
        continue;
      }
      entered.add(name);
      path.push(...listRules(node).filter((other) => !entered.has(other)));
    }
  }
  return [...sorted];
}

/** The names of the rules that refer to each rule. */
function mapHolders(rules: ReadonlyMap<string, GrammarNode>): ReadonlyMap<string, ReadonlySet<string>> {
  const holders = new Map<string, Set<string>>();
  for (const [holder, node] of rules) {
    for (const name of listRules(node)) {
      const known = holders.get(name);
      if (known === undefined) holders.set(name, new Set([holder]));
      else known.add(holder);
    }
  }
  return holders;
}

/** The rules that a node refers to, with repetitions. */
export function listRules(node: GrammarNode): readonly string[] {
  switch (node.kind) {
    case "literal":
    case "characters":
      return [];
    case "sequence":
      return node.items.flatMap(listRules);
    case "choice":
      return node.options.flatMap(listRules);
    case "repeat":
      return listRules(node.item);
    case "rule":
      return [node.name];
  }
}

/** The name of a left-recursive rule; null when there is none. */
export function findLeftRecursion(rules: ReadonlyMap<string, GrammarNode>, shortestOf: ShortestOf): string | null {
  const settled = new Set<string>();
  const open = new Set<string>();
  const enter = (name: string) => {
    open.add(name);
    return { name, rest: [...listFirstRules(rules.get(name), shortestOf)] };
  };
  for (const start of rules.keys()) {
    const path = [enter(start)];
    for (let entry = path.at(-1); entry !== undefined; entry = path.at(-1)) {
      const next = entry.rest.pop();
      if (next === undefined) {
        settled.add(entry.name);
        open.delete(entry.name);
        path.pop();
      } else if (open.has(next)) return next;
      else if (!settled.has(next)) path.push(enter(next));
    }
  }
  return null;
}

/** The rules that a node may begin with. */
function listFirstRules(node: GrammarNode | undefined, shortestOf: ShortestOf): readonly string[] {
  switch (node?.kind) {
    case undefined:
    case "literal":
    case "characters":
      return [];
    case "sequence": {
      const end = node.items.findIndex((item) => shortestOf(item) > 0);
      return node.items.slice(0, end === -1 ? undefined : end + 1).flatMap((item) => listFirstRules(item, shortestOf));
    }
    case "choice":
      return node.options.flatMap((option) => listFirstRules(option, shortestOf));
    case "repeat":
      return listFirstRules(node.item, shortestOf);
    case "rule":
      return [node.name];
  }
}
