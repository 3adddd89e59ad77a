/** Bounds the work on the schemas of one request, counted in steps so that a slow machine refuses nothing that a fast one accepts. */

import { SchemaTooLargeError } from "./unsupported-schema-error.ts";

/** Called before work is done, with the number of steps; throws when there would be too many. */
export type Spend = (steps: number) => void;

/** One attempt to compile one schema: less than 20 ms on a slow core. */
const WORK_STEPS_MAX = 200_000;

/** @param what is named in the error: `it`, `'pattern'`. */
export function createBudget(stepsMax = WORK_STEPS_MAX): Spend {
  let left = stepsMax;
  return (steps) => {
    left -= steps;
    if (left >= 0) return;
    throw new SchemaTooLargeError("", `it needs more than ${stepsMax} steps of work to be made a grammar`);
  };
}
