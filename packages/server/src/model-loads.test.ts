import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { createModelLoads } from "./model-loads.ts";

test("loads and unloads are counted and logged, by the model's id alone", () => {
  const lines: unknown[] = [];
  const write = (level: string) => (message: string, fields?: object) => void lines.push({ level, message, ...fields });
  const loads = createModelLoads({ info: write("info"), warn: write("warn"), error: write("error") });
  const record = loads.watch("tiny");
  const cause = new Error("/home/ada/tiny.gguf is damaged");
  record({ type: "load-failed", thrown: new AiError("engine_unavailable", "No.", { cause }), retryAfterMs: 5000 });
  record({ type: "load-end", durationMs: 1499.75, bytes: 77 });
  record({ type: "unload", reason: "idle", failure: null });
  record({ type: "load-end", durationMs: 500.25, bytes: 78 });
  record({ type: "unload", reason: "memory", failure: { thrown: new Error("stuck") } });
  record({ type: "load-end", durationMs: 0, bytes: 78 });
  expect(loads.readings()).toEqual([
    {
      modelId: "tiny",
      loaded: 1,
      bytes: 78,
      loads: 3,
      failures: 1,
      loadSeconds: 2,
      unloads: { idle: 1, memory: 1, close: 0 },
    },
  ]);
  expect(lines.slice(0, 5)).toEqual([
    { level: "warn", message: "model can't be loaded", model: "tiny", code: "engine_unavailable", retryAfterMs: 5000 },
    { level: "info", message: "model loaded", model: "tiny", durationMs: 1500, bytes: 77 },
    { level: "info", message: "model unloaded", model: "tiny", reason: "idle" },
    { level: "info", message: "model loaded", model: "tiny", durationMs: 500, bytes: 78 },
    { level: "error", message: "model can't be unloaded", model: "tiny", cause: "Error: stuck" },
  ]);
});
