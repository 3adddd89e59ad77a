/**
 * Bounds the work on the schemas of one request, counted in steps so that a slow machine refuses nothing that a fast
 * one accepts.
 */

import { SchemaTooLargeError } from "./unsupported-schema-error.ts";

/** Called before work is done, with the number of steps; throws when there would be too many. */
export type Spend = (steps: number) => void;

/** Steps of one attempt to compile one schema: less than 20 ms. */
const WORK_STEPS_MAX = 200_000;
/** Steps for automata in one turn of the event loop. */
const TURN_STEPS_MAX = 60_000;

/**
 * The compilation has to yield to the event loop; its results so far are cached, and the next attempt continues from
 * there.
 */
export class TurnNeededError extends Error {
  override readonly name = "TurnNeededError";
}

export function createBudget(stepsMax = WORK_STEPS_MAX): Spend {
  let left = stepsMax;
  return (steps) => {
    left -= steps;
    if (left >= 0) return;
    throw new SchemaTooLargeError("", `it needs more than ${stepsMax} steps of work to be made a grammar`);
  };
}

/** Budgets of their own for the automata of one turn. */
export function createTurn(): (stepsMax: number) => Spend {
  let done = 0;
  return (stepsMax) => {
    if (done > TURN_STEPS_MAX) throw new TurnNeededError("The event loop has to get its turn.");
    const spend = createBudget(stepsMax);
    return (steps) => {
      done += steps;
      spend(steps);
    };
  };
}
