import { AiError } from "@openai-compat/core";
import { expect, test } from "vitest";
import { createModelLoads } from "./model-loads.ts";
import { createLogger } from "./operations/logger.ts";

/** One model, and what is logged of it. */
function watchTiny() {
  const lines: unknown[] = [];
  const write = (line: string): void => {
    const { time: _time, ...fields } = JSON.parse(line);
    lines.push(fields);
  };
  const clock = { nowMs: 1000 };
  const loads = createModelLoads(createLogger({ level: "debug", write }), () => clock.nowMs);
  const { onEvent, show } = loads.watch("tiny");
  show();
  return { record: onEvent, readings: loads.readings, lines, clock };
}

const cause = new Error("/home/ada/tiny.gguf is damaged");
const damaged = new AiError("engine_unavailable", "No.", { cause });

test("loads and unloads are counted and logged, by the model's id alone", () => {
  const { record, readings, lines } = watchTiny();
  record({ type: "load-failed", thrown: damaged, retryAfterMs: 5000 });
  record({ type: "load-end", durationMs: 1499.75, bytes: 77, pid: 40 });
  record({ type: "unload", reason: "idle", failure: null, pid: 40 });
  record({ type: "load-end", durationMs: 500.25, bytes: 78, pid: 41 });
  record({ type: "unload", reason: "memory", failure: { thrown: new Error("stuck") }, pid: 41 });
  record({ type: "load-end", durationMs: 0, bytes: 78, pid: 42 });
  expect(readings()).toEqual([
    {
      modelId: "tiny",
      loaded: 1,
      bytes: 78,
      loads: 3,
      failures: 1,
      loadSeconds: 2,
      unloads: { idle: 1, memory: 1, close: 0 },
      losses: 0,
      restarts: 0,
      lastProblem: "/home/ada/tiny.gguf is damaged",
      lastRefusal: "No.",
      isLoading: false,
      processes: [],
      retryAfterMs: 5000,
    },
  ]);
  const model = "tiny";
  expect(lines.slice(0, 5)).toEqual([
    {
      level: "warn",
      message: "model can't be loaded",
      model,
      code: "engine_unavailable",
      retryAfterMs: 5000,
      cause: "/home/ada/tiny.gguf is damaged",
    },
    { level: "info", message: "model loaded", model, pid: 40, durationMs: 1500, bytes: 77 },
    { level: "info", message: "model unloaded", model, pid: 40, reason: "idle" },
    { level: "info", message: "model loaded", model, pid: 41, durationMs: 500, bytes: 78 },
    { level: "error", message: "model can't be unloaded", model, pid: 41, reason: "memory", cause: "stuck" },
  ]);
});

test("a lost process is counted and logged with its reason, and the next one is a restart", () => {
  const { record, readings, lines, clock } = watchTiny();
  record({ type: "process-start", pid: 40 });
  expect(readings()).toMatchObject([{ restarts: 0, processes: [{ pid: 40, rssBytes: null }] }]);
  record({ type: "process-memory", pid: 40, rssBytes: 5000 });
  record({ type: "load-end", durationMs: 1, bytes: 77, pid: 40 });
  record({ type: "process-end", pid: 40 });
  record({ type: "lost", reason: "it was ended by SIGKILL", retryAfterMs: 10_000, pid: 40 });
  const lost = { loaded: 0, losses: 1, restarts: 0, lastProblem: "it was ended by SIGKILL", processes: [] };
  expect(readings()).toMatchObject([{ ...lost, retryAfterMs: 10_000 }]);
  clock.nowMs += 9_000.5;
  expect(readings()).toMatchObject([{ ...lost, retryAfterMs: 1000 }]);
  clock.nowMs += 2_000;
  expect(readings()).toMatchObject([{ ...lost, retryAfterMs: 0 }]);
  record({ type: "process-start", pid: 41 });
  record({ type: "process-end", pid: 41 });
  record({ type: "process-start", pid: 42 });
  expect(readings()).toMatchObject([{ restarts: 1, processes: [{ pid: 42, rssBytes: null }] }]);
  expect(lines).toContainEqual({
    level: "error",
    message: "process of a model lost",
    model: "tiny",
    pid: 40,
    reason: "it was ended by SIGKILL",
    retryAfterMs: 10_000,
  });
  expect(lines).toContainEqual({ level: "debug", message: "process of a model started", model: "tiny", pid: 41 });
  expect(lines).toContainEqual({ level: "debug", message: "process of a model ended", model: "tiny", pid: 41 });
});

test("a process that loads while the one before still ends is a second one, and each counts with its memory", () => {
  const { record, readings } = watchTiny();
  for (const pid of [40, 41]) {
    record({ type: "process-start", pid });
    record({ type: "process-memory", pid, rssBytes: pid * 100 });
  }
  const second = { pid: 41, rssBytes: 4100 };
  expect(readings()).toMatchObject([{ processes: [{ pid: 40, rssBytes: 4000 }, second] }]);
  record({ type: "process-end", pid: 40 });
  expect(readings()).toMatchObject([{ processes: [second] }]);
});

test("a line of the native library is logged below an operator's own: what comes of it has a line itself", () => {
  const { record, lines } = watchTiny();
  record({ type: "process-log", pid: 40, level: "error", line: "llama_decode: failed" });
  record({ type: "process-log", pid: 40, level: "warn", line: "odd vocabulary" });
  expect(lines).toEqual([
    { level: "warn", message: "native library", model: "tiny", pid: 40, line: "llama_decode: failed" },
    { level: "debug", message: "native library", model: "tiny", pid: 40, line: "odd vocabulary" },
  ]);
});
