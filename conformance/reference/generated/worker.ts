/** One thread of `run-generated.ts`: judges the faults that it is sent, each by the checks named. */

import { parentPort, workerData } from "node:worker_threads";
import { z } from "zod";
import { checks } from "../../checks/index.ts";
import { generateFaults } from "./generate-faults.ts";
import { type Judgeable, judgeFault } from "./judge-fault.ts";
import { VARIATIONS } from "./legal.ts";
import { wireShapeSchema } from "./wire-shape.ts";

const taskSchema = z.object({
  fault: z.string(),
  checks: z.array(z.string()),
  toTheEnd: z.boolean(),
  checkTimeoutMs: z.number(),
});

/** What a thread is sent; null ends it. */
export type FaultTask = z.output<typeof taskSchema>;

const known = new Map(checks.map((check) => [check.id, check]));
const faults = new Map<string, Judgeable>([
  ...generateFaults(wireShapeSchema.parse(workerData)),
  ...VARIATIONS.map((variation) => [variation.id, variation] as const),
]);

parentPort?.on("message", (message: unknown) => {
  if (message === null) parentPort?.close();
  else void judge(taskSchema.parse(message));
});

async function judge(task: FaultTask): Promise<void> {
  const fault = faults.get(task.fault);
  if (fault === undefined) throw new Error(`There is no fault ${task.fault}.`);
  const selected = task.checks.flatMap((id) => known.get(id) ?? []);
  const verdict = await judgeFault(fault, selected, task);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.postMessage(verdict);
}
