/**
 * One thread of `run-mutants.ts`: judges the mutants that it is sent, each by the checks named, and posts the verdicts.
 */

import { parentPort } from "node:worker_threads";
import { z } from "zod";
import { checks } from "../checks/index.ts";
import { judgeMutant } from "./kill-matrix.ts";
import { mutants } from "./mutants/index.ts";

const taskSchema = z.object({ mutant: z.string(), checks: z.array(z.string()) });

/** What a thread is sent; null ends it. */
export type MutantTask = z.output<typeof taskSchema>;

parentPort?.on("message", (message: unknown) => {
  if (message === null) parentPort?.close();
  else void judge(taskSchema.parse(message));
});

async function judge(task: MutantTask): Promise<void> {
  const mutant = mutants.find(({ id }) => id === task.mutant);
  if (mutant === undefined) throw new Error(`There is no mutant ${task.mutant}.`);
  const names = new Set(task.checks);
  const verdict = await judgeMutant(
    mutant,
    checks.filter(({ id }) => names.has(id)),
  );
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(verdict);
}
