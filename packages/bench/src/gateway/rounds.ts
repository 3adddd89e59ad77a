/**
 * The order of measuring: every measure on every contender in turn, round by round, so that a drifting machine is fair.
 */

import { CONTENDER_NAMES } from "./contender.ts";
import type { Contender, ContenderName, ContenderRecipe } from "./contender.ts";
import type { Round } from "./figures.ts";
import {
  measureColdStart,
  measureFirstEvent,
  measureDisconnects,
  measureManyConnections,
  measureOneConnection,
  measurePaced,
  measureSlowStreams,
  measureStreams,
} from "./measures.ts";
import type { Bench, Extent, Sample } from "./measures.ts";

const MEASURES = [
  measureManyConnections,
  measureOneConnection,
  measurePaced,
  measureStreams,
  measureSlowStreams,
  measureFirstEvent,
  measureDisconnects,
] as const;

const WARM_UP_TIME_MS_MAX = 1000;

export interface RoundOptions {
  readonly rounds: number;
  readonly extent: Extent;
}

/** Starts the contenders, warms them up, measures them in turns and stops them. */
export async function measureRounds(
  bench: Bench,
  recipes: readonly ContenderRecipe[],
  { rounds, extent }: RoundOptions,
): Promise<Round[]> {
  const running: [ContenderName, Contender][] = [];
  try {
    for (const recipe of recipes) running.push([recipe.name, await recipe.start(bench.upstreamUrl)]);
    const warmUpTimeMs = Math.min(extent.loadTimeMs, WARM_UP_TIME_MS_MAX);
    await measureRound(bench, running, { ...extent, loadTimeMs: warmUpTimeMs, disconnects: 1 });
    const measured: Round[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const steady = await measureRound(bench, rotate(running, round), extent);
      const starts = await measureColdStarts(bench, rotate(recipes, round));
      measured.push(mergeRounds(steady, starts));
    }
    return measured;
  } finally {
    await Promise.all(running.map(([, contender]) => contender.stop()));
  }
}

async function measureRound(
  bench: Bench,
  contenders: readonly (readonly [ContenderName, Contender])[],
  extent: Extent,
): Promise<Round> {
  let round: Round = {};
  for (const measure of MEASURES) {
    for (const [name, contender] of contenders) {
      round = mergeRounds(round, { [name]: await measure(bench, contender, extent) });
    }
  }
  return addDelays(round);
}

async function measureColdStarts(bench: Bench, recipes: readonly ContenderRecipe[]): Promise<Round> {
  let round: Round = {};
  for (const recipe of recipes) {
    if (recipe.name !== "direct") round = mergeRounds(round, { [recipe.name]: await measureColdStart(bench, recipe) });
  }
  return round;
}

/** Nobody always runs first. */
function rotate<Item>(items: readonly Item[], by: number): Item[] {
  const start = by % items.length;
  return [...items.slice(start), ...items.slice(0, start)];
}

function mergeRounds(first: Round, second: Round): Round {
  const merged: Partial<Record<ContenderName, Sample>> = { ...first };
  for (const name of CONTENDER_NAMES) {
    const [before, after] = [first[name], second[name]];
    if (before !== undefined || after !== undefined) merged[name] = { ...before, ...after };
  }
  return merged;
}

/** The name of each delay, and of the time that it is a part of. */
const DELAYS = [
  ["addedP50Ms", "oneP50Ms"],
  ["addedP99Ms", "oneP99Ms"],
  ["addedPacedP50Ms", "pacedP50Ms"],
  ["addedPacedP99Ms", "pacedP99Ms"],
] as const;

/** What each gateway adds to the upstream's own time, in the same round. */
function addDelays(round: Round): Round {
  let delayed = round;
  for (const [delay, time] of DELAYS) {
    const direct = round.direct?.[time];
    for (const name of ["bare", "ours"] as const) {
      const behind = round[name]?.[time];
      if (direct !== undefined && behind !== undefined) {
        delayed = mergeRounds(delayed, { [name]: { [delay]: behind - direct } });
      }
    }
  }
  return delayed;
}
