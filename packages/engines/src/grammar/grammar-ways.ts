/**
 * Counts in how many ways a text of a grammar can be parsed at once. Each sampled token is tried on each of them, so a
 * grammar in which they multiply blocks the model for all callers.
 */

import type { Grammar } from "./grammar-node.ts";
import { openGrammar } from "./grammar-position.ts";
import type { GrammarPosition } from "./grammar-position.ts";

/** Positions that are visited, those with the most ways first; where ways multiply, they do so early. */
const PLACES_MAX = 300;
/** The same for steps of single ways. */
const STEPS_MAX = 20_000;

/** The largest number of ways found; stops at one more than `waysMax`. */
export function measureWays(grammar: Grammar, waysMax: number): number {
  const start = openGrammar(grammar);
  const seen = new Set([start.key]);
  const byWays = new Map<number, GrammarPosition[]>([[start.ways, [start]]]);
  let [most, steps] = [start.ways, 0];
  for (let places = 0; places < PLACES_MAX && steps < STEPS_MAX && most <= waysMax; places += 1) {
    const place = takeLargest(byWays);
    if (place === null) break;
    for (const character of place.listNext()) {
      steps += place.ways;
      const next = place.advance(character);
      if (next === null || seen.has(next.key)) continue;
      seen.add(next.key);
      most = Math.max(most, next.ways);
      const known = byWays.get(next.ways);
      if (known === undefined) byWays.set(next.ways, [next]);
      else known.push(next);
      if (most > waysMax || steps > STEPS_MAX) break;
    }
  }
  return most;
}

function takeLargest(byWays: Map<number, GrammarPosition[]>): GrammarPosition | null {
  const ways = Math.max(...byWays.keys());
  const places = byWays.get(ways);
  const place = places?.pop() ?? null;
  if (places?.length === 0) byWays.delete(ways);
  return place;
}
