import { expect, test } from "vitest";
import type { LoadReading } from "./load-metrics.ts";
import { assertModelsReady } from "./models-ready.ts";

const model = (id: string, overrides: { type?: "chat" | "embedding"; isDefault?: boolean } = {}) => ({
  id,
  type: "chat" as const,
  isDefault: false,
  ...overrides,
});

function load(modelId: string, retryAfterMs: number): LoadReading {
  return {
    modelId,
    loaded: 0,
    bytes: 0,
    loads: 0,
    failures: 0,
    loadSeconds: 0,
    unloads: { idle: 0, memory: 0, close: 0 },
    losses: 2,
    restarts: 1,
    lastProblem: "it was ended by SIGSEGV",
    lastRefusal: null,
    isLoading: false,
    processes: [],
    retryAfterMs,
  };
}

test("a server without models is not ready", () => {
  expect(() => assertModelsReady([], [])).toThrow("none is registered");
});

test("a server is not ready while no load of its default chat model is tried", () => {
  const models = [model("main", { isDefault: true }), model("other")];
  expect(() => assertModelsReady(models, [load("main", 5000), load("other", 0)])).toThrow(
    "the default model main is tried again in 5000 ms: it was ended by SIGSEGV",
  );
  expect(() => assertModelsReady(models, [load("main", 0), load("other", 0)])).not.toThrow();
});

test("one broken model of several, the default of another type included, takes nothing from the others", () => {
  const embedding = model("vectors", { type: "embedding", isDefault: true });
  const models = [model("main", { isDefault: true }), model("other"), embedding];
  const loads = [load("main", 0), load("other", 5000), load("vectors", 5000)];
  expect(() => assertModelsReady(models, loads)).not.toThrow();
});

test("a server is not ready while no load of any of its models is tried", () => {
  const models = [model("one"), model("two")];
  expect(() => assertModelsReady(models, [load("one", 5), load("two", 6)])).toThrow(
    "no model can be used: one is tried again in 5 ms: it was ended by SIGSEGV; two",
  );
  // What has no loads, an upstream's model for one, can be used.
  expect(() => assertModelsReady([...models, model("far")], [load("one", 5), load("two", 6)])).not.toThrow();
});
