/** Splits sets of characters into classes: characters of one class are in the same sets. */

import type { CharacterRange } from "../grammar-node.ts";

export type CharacterSet = readonly CharacterRange[];

export interface CharacterClasses {
  readonly classes: readonly CharacterSet[];
  /** For each set, the indexes of the classes that it consists of. */
  readonly members: readonly (readonly number[])[];
}

/** @param sets each sorted and joined, as `normaliseRanges` gives them. */
export function splitClasses(sets: readonly CharacterSet[], spend: (steps: number) => void): CharacterClasses {
  const events = sets.flatMap((ranges, set) =>
    ranges.flatMap(([first, last]) => [
      { at: first, set, opens: true },
      { at: last + 1, set, opens: false },
    ]),
  );
  spend(events.length);
  events.sort((left, right) => left.at - right.at);
  const open = new Set<number>();
  const bySignature = new Map<string, number>();
  const classes: [number, number][][] = [];
  const members = sets.map((): number[] => []);
  for (const [index, { at, set, opens }] of events.entries()) {
    if (opens) open.add(set);
    else open.delete(set);
    const next = events[index + 1]?.at ?? at;
    if (next === at || open.size === 0) continue;
    spend(open.size);
    const signature = [...open].toSorted((left, right) => left - right).join();
    let id = bySignature.get(signature);
    if (id === undefined) {
      id = classes.push([]) - 1;
      bySignature.set(signature, id);
      for (const member of open) members[member]?.push(id);
    }
    const ranges = classes[id];
    const last = ranges?.at(-1);
    if (last?.[1] === at - 1) last[1] = next - 1;
    else ranges?.push([at, next - 1]);
  }
  return { classes, members };
}
