/** How many characters the texts of a grammar have: which rules never end, and which would begin with themselves. */

import type { Grammar, GrammarNode } from "./grammar-node.ts";

/** Of the shortest text; infinite for a node that never ends. */
export type ShortestOf = (node: GrammarNode) => number;

/** Each round settles at least one more rule, or there is nothing left to settle. */
export function measureShortest(rules: ReadonlyMap<string, GrammarNode>): ShortestOf {
  const known = new Map<string, number>();
  const shortestOf: ShortestOf = (node) => {
    switch (node.kind) {
      case "literal":
        return node.text.length;
      case "characters":
        return node.ranges.length === 0 ? Number.POSITIVE_INFINITY : 1;
      case "sequence":
        return node.items.reduce((sum, item) => sum + shortestOf(item), 0);
      case "choice":
        return Math.min(...node.options.map(shortestOf));
      case "repeat":
        return node.min === 0 ? 0 : node.min * shortestOf(node.item);
      case "rule":
        return known.get(node.name) ?? Number.POSITIVE_INFINITY;
    }
  };
  for (let changed = true; changed;) {
    changed = false;
    for (const [name, node] of rules) {
      const shortest = shortestOf(node);
      if (shortest >= (known.get(name) ?? Number.POSITIVE_INFINITY)) continue;
      known.set(name, shortest);
      changed = true;
    }
  }
  return shortestOf;
}

/** The name of a rule that can come again before any character of it has; null when there is none. */
export function findLeftRecursion({ rules }: Grammar): string | null {
  const shortestOf = measureShortest(rules);
  const firstRules = (node: GrammarNode): readonly string[] => {
    switch (node.kind) {
      case "literal":
      case "characters":
        return [];
      case "sequence": {
        const end = node.items.findIndex((item) => shortestOf(item) > 0);
        return node.items.slice(0, end === -1 ? undefined : end + 1).flatMap(firstRules);
      }
      case "choice":
        return node.options.flatMap(firstRules);
      case "repeat":
        return firstRules(node.item);
      case "rule":
        return [node.name];
    }
  };
  const settled = new Set<string>();
  const visit = (name: string, path: ReadonlySet<string>): string | null => {
    if (path.has(name)) return name;
    if (settled.has(name)) return null;
    const node = rules.get(name);
    const deeper = new Set([...path, name]);
    for (const next of node === undefined ? [] : firstRules(node)) {
      const found = visit(next, deeper);
      if (found !== null) return found;
    }
    settled.add(name);
    return null;
  };
  for (const name of rules.keys()) {
    const found = visit(name, new Set());
    if (found !== null) return found;
  }
  return null;
}
