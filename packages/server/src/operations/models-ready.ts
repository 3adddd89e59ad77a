/** Whether the models let the server do its work: a part of its readiness. Nothing is loaded to find out. */

import type { RegisteredModel } from "@openai-compat/core";
import type { LoadReading } from "./load-metrics.ts";

/**
 * A balancer should send no calls to a server whose default chat model can't run, and all calls that are left to one of whose models another
 * can't. So it is not ready without models, and while no load is tried of its default chat model, or of any of its models, because loads
 * failed or processes were lost. When the time is over it is ready again: only a call can tell whether the model runs now.
 *
 * @throws Error that says which model, why, and for how long
 */
export function assertModelsReady(
  models: readonly Pick<RegisteredModel, "id" | "type" | "isDefault">[],
  loads: readonly LoadReading[],
): void {
  if (models.length === 0) throw new Error("none is registered");
  const broken = new Map(loads.filter(({ retryAfterMs }) => retryAfterMs > 0).map((load) => [load.modelId, load]));
  const main = models.find(({ type, isDefault }) => type === "chat" && isDefault);
  const problem = main === undefined ? undefined : broken.get(main.id);
  if (problem !== undefined) throw new Error(`the default model ${describe(problem)}`);
  const problems = models.flatMap(({ id }) => broken.get(id) ?? []);
  if (problems.length === models.length) throw new Error(`no model can be used: ${problems.map(describe).join("; ")}`);
}

function describe({ modelId, retryAfterMs, lastProblem }: LoadReading): string {
  return `${modelId} is tried again in ${retryAfterMs} ms: ${lastProblem ?? "unknown"}`;
}
