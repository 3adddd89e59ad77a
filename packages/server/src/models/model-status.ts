/** What state a model is in, from what its engine and its loads say. */

import type { RegisteredModel } from "@openai-compat/core";
import type { LoadReading } from "../operations/load-metrics.ts";

export type ModelStatus =
  /** A local model that its next call loads. */
  | { readonly state: "not-loaded" }
  /** Its file is being downloaded. `progress`: 0 to 1. */
  | { readonly state: "pulling"; readonly progress: number }
  | { readonly state: "loading" }
  | { readonly state: "ready" }
  /** `reason`: for callers. It is tried again. */
  | { readonly state: "failed"; readonly reason: string };

export function readModelStatus(
  { id, engine }: Pick<RegisteredModel, "id" | "engine">,
  loads: readonly LoadReading[],
): ModelStatus {
  if (engine.type === "unavailable") return { state: "failed", reason: engine.explain().message };
  if (engine.type === "upstream") {
    const isReached = engine.upstreams().some(({ state }) => state !== "open");
    return isReached ? { state: "ready" } : { state: "failed", reason: "The upstream can't be reached." };
  }
  const load = loads.find(({ modelId }) => modelId === id);
  // It has nothing to load.
  if (load === undefined || load.loaded > 0) return { state: "ready" };
  if (load.isLoading) return { state: "loading" };
  if (load.retryAfterMs === 0) return { state: "not-loaded" };
  return { state: "failed", reason: load.lastRefusal ?? "It could not be loaded; the server's log says why." };
}
