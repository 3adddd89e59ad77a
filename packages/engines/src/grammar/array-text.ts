/** JSON arrays: first items with a shape of their own, then any number of others. */

import { NOTHING, literal, optional, repeat, sequence } from "./grammar-node.ts";
import type { GrammarNode } from "./grammar-node.ts";
import { COMMA } from "./json-text.ts";

export interface ArrayShape {
  /** The shapes of the first items. */
  readonly first: readonly GrammarNode[];
  /** All further items; null where none are allowed. */
  readonly others: GrammarNode | null;
  readonly min: number;
  /** Null for no limit. */
  readonly max: number | null;
}

/** `max` is at least `min`; where no further items are allowed, `min` is at most the number of first items. */
export function arrayOf({ first, others, min, max }: ArrayShape): GrammarNode {
  const heads = max === null ? first : first.slice(0, max);
  const spare = max === null ? null : max - heads.length;
  let rest: GrammarNode = NOTHING;
  if (others !== null && spare !== 0) {
    const needed = Math.max(0, min - heads.length);
    rest = heads.length > 0 ? repeat(sequence(COMMA, others), needed, spare) : itemsOf(others, needed, spare);
  }
  for (const [index, head] of [...heads.entries()].toReversed()) {
    const item = sequence(index === 0 ? NOTHING : COMMA, head, rest);
    rest = index < min ? item : optional(item);
  }
  return sequence(literal("["), rest, literal("]"));
}

function itemsOf(item: GrammarNode, min: number, max: number | null): GrammarNode {
  const more = max === 1 ? NOTHING : repeat(sequence(COMMA, item), Math.max(0, min - 1), max === null ? null : max - 1);
  const items = sequence(item, more);
  return min === 0 ? optional(items) : items;
}
