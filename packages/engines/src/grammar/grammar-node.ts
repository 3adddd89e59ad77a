/**
 * A grammar as a tree of the texts that a model may write, independent of JSON and of any engine's dialect. It can be
 * printed for an engine (`print-grammar.ts`) and sampled (`sample-grammar.ts`), both with the same meaning.
 */

/** Code points, both ends inclusive, ascending and disjoint. */
export type CharacterRange = readonly [first: number, last: number];

export type GrammarNode =
  | { readonly kind: "literal"; readonly text: string }
  /** One character of any of the ranges. */
  | { readonly kind: "characters"; readonly ranges: readonly CharacterRange[] }
  | { readonly kind: "sequence"; readonly items: readonly GrammarNode[] }
  /** At least one option. */
  | { readonly kind: "choice"; readonly options: readonly GrammarNode[] }
  /** `max` is null for no limit. */
  | { readonly kind: "repeat"; readonly item: GrammarNode; readonly min: number; readonly max: number | null }
  /** A reference to a rule by name; it may be recursive. */
  | { readonly kind: "rule"; readonly name: string };

export interface Grammar {
  readonly root: GrammarNode;
  /** By name: lower-case letters, digits and hyphens. */
  readonly rules: ReadonlyMap<string, GrammarNode>;
}

export const NOTHING: GrammarNode = { kind: "literal", text: "" };

export function literal(text: string): GrammarNode {
  return { kind: "literal", text };
}

/** Each of the text's characters, and each range that is given as `["a", "z"]`. */
export function characters(single: string, ...ranges: readonly (readonly [string, string])[]): GrammarNode {
  const all = [...Array.from(single, (character): [string, string] => [character, character]), ...ranges];
  return {
    kind: "characters",
    ranges: normaliseRanges(all.map(([first, last]) => [codePoint(first), codePoint(last)])),
  };
}

export function sequence(...items: readonly GrammarNode[]): GrammarNode {
  const kept = items.filter((item) => item !== NOTHING);
  const [only] = kept;
  if (only === undefined) return NOTHING;
  return kept.length === 1 ? only : { kind: "sequence", items: kept };
}

/** @param options at least one. */
export function choice(...options: readonly GrammarNode[]): GrammarNode {
  const [only] = options;
  return options.length === 1 && only !== undefined ? only : { kind: "choice", options };
}

export function repeat(item: GrammarNode, min: number, max: number | null): GrammarNode {
  return { kind: "repeat", item, min, max };
}

export function optional(item: GrammarNode): GrammarNode {
  return repeat(item, 0, 1);
}

export function rule(name: string): GrammarNode {
  return { kind: "rule", name };
}

/** Sorted, and joined where they touch. */
export function normaliseRanges(ranges: readonly CharacterRange[]): CharacterRange[] {
  const joined: [number, number][] = [];
  for (const [first, last] of ranges.toSorted(([left], [right]) => left - right)) {
    const previous = joined.at(-1);
    if (previous !== undefined && first <= previous[1] + 1) previous[1] = Math.max(previous[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

const SURROGATES: CharacterRange = [0xd800, 0xdfff];
const LAST_CODE_POINT = 0x10ffff;

/** All characters in none of the ranges, surrogates excluded. */
export function invertRanges(ranges: readonly CharacterRange[]): CharacterRange[] {
  const inverted: CharacterRange[] = [];
  let next = 0;
  for (const [first, last] of normaliseRanges([...ranges, SURROGATES])) {
    if (first > next) inverted.push([next, first - 1]);
    next = last + 1;
  }
  if (next <= LAST_CODE_POINT) inverted.push([next, LAST_CODE_POINT]);
  return inverted;
}

/** @param left ascending and disjoint, as is `right`. */
export function intersectRanges(left: readonly CharacterRange[], right: readonly CharacterRange[]): CharacterRange[] {
  const shared: CharacterRange[] = [];
  for (let mine = 0, theirs = 0; mine < left.length && theirs < right.length;) {
    const [[first, last], [otherFirst, otherLast]] = [left[mine] ?? [0, -1], right[theirs] ?? [0, -1]];
    const [from, to] = [Math.max(first, otherFirst), Math.min(last, otherLast)];
    if (from <= to) shared.push([from, to]);
    if (last < otherLast) mine += 1;
    else theirs += 1;
  }
  return shared;
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}
