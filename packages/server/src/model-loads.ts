/** Records the loads of local models and their processes, for log, metrics and readiness. It loads nothing itself. */

import { AiError } from "@openai-compat/core";
import type { LoadEvent } from "@openai-compat/core";
import { describeReason, describeThrown } from "./describe-thrown.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import type { Logger } from "./operations/logger.ts";

export interface ModelLoads {
  /** The events of one engine. The model is among the readings from `show` on, in place of what was shown of it before. */
  watch(modelId: string): WatchedLoads;
  /** The model is not among the readings any more. */
  forget(modelId: string): void;
  readonly readings: () => readonly LoadReading[];
}

export interface WatchedLoads {
  readonly onEvent: (event: LoadEvent) => void;
  readonly show: () => void;
}

/** @param now milliseconds on a clock that never goes back. Default `performance.now`. */
export function createModelLoads(logger: Logger, now: () => number = () => performance.now()): ModelLoads {
  const shown = new Map<string, LoadState>();
  return {
    watch(modelId) {
      const state = createState(modelId);
      return {
        onEvent(event) {
          countEvent(state, event, now());
          logEvent(logger, modelId, event);
        },
        show: () => void shown.set(modelId, state),
      };
    },
    forget: (modelId) => void shown.delete(modelId),
    readings: () => [...shown.values()].map((state) => read(state, now())),
  };
}

type LoadState = {
  -readonly [Key in Exclude<keyof LoadReading, "processes" | "retryAfterMs">]: LoadReading[Key];
} & {
  /** Resident bytes by pid; null until the first are known. */
  readonly processes: Map<number, number | null>;
  /** The next process replaces one that was lost. */
  isLost: boolean;
  /** No load is tried before. */
  retryAtMs: number;
};

function createState(modelId: string): LoadState {
  return {
    modelId,
    loaded: 0,
    bytes: 0,
    loads: 0,
    failures: 0,
    loadSeconds: 0,
    unloads: { idle: 0, memory: 0, close: 0 },
    losses: 0,
    restarts: 0,
    lastProblem: null,
    lastRefusal: null,
    isLoading: false,
    processes: new Map(),
    isLost: false,
    retryAtMs: -Infinity,
  };
}

function read({ isLost: _isLost, retryAtMs, processes, ...counts }: LoadState, nowMs: number): LoadReading {
  return {
    ...counts,
    processes: [...processes].map(([pid, rssBytes]) => ({ pid, rssBytes })),
    retryAfterMs: Math.max(0, Math.ceil(retryAtMs - nowMs)),
  };
}

function countEvent(state: LoadState, event: LoadEvent, nowMs: number): void {
  switch (event.type) {
    case "load-end":
      state.isLoading = false;
      state.loaded += 1;
      state.loads += 1;
      state.bytes = event.bytes;
      state.loadSeconds += event.durationMs / 1000;
      return;
    case "load-failed":
      state.isLoading = false;
      state.failures += 1;
      state.lastProblem = describeReason(event.thrown);
      state.lastRefusal = event.thrown instanceof AiError ? event.thrown.message : null;
      state.retryAtMs = nowMs + event.retryAfterMs;
      return;
    case "unload":
      state.loaded -= 1;
      state.unloads = { ...state.unloads, [event.reason]: state.unloads[event.reason] + 1 };
      return;
    case "lost":
      state.loaded -= 1;
      state.losses += 1;
      state.isLost = true;
      state.lastProblem = event.reason;
      state.lastRefusal = null;
      state.retryAtMs = nowMs + event.retryAfterMs;
      return;
    case "process-start":
      state.processes.set(event.pid, null);
      state.isLoading = true;
      if (state.isLost) state.restarts += 1;
      state.isLost = false;
      return;
    case "process-memory":
      state.processes.set(event.pid, event.rssBytes);
      return;
    case "process-end":
      state.processes.delete(event.pid);
      state.isLoading &&= state.processes.size > 0;
      return;
    case "process-log":
  }
}

function logEvent(logger: Logger, model: string, event: LoadEvent): void {
  switch (event.type) {
    case "load-end": {
      const { pid, bytes } = event;
      logger.info("model loaded", { model, pid, durationMs: Math.round(event.durationMs), bytes });
      return;
    }
    case "load-failed": {
      const code = event.thrown instanceof AiError ? event.thrown.code : null;
      const { retryAfterMs } = event;
      logger.warn("model can't be loaded", { model, code, retryAfterMs, cause: describeReason(event.thrown) });
      return;
    }
    case "unload": {
      const { pid, reason, failure } = event;
      if (failure === null) logger.info("model unloaded", { model, pid, reason });
      else logger.error("model can't be unloaded", { model, pid, reason, cause: describeThrown(failure.thrown) });
      return;
    }
    case "lost": {
      const { pid, reason, retryAfterMs } = event;
      logger.error("process of a model lost", { model, pid, reason, retryAfterMs });
      return;
    }
    case "process-start":
      logger.debug("process of a model started", { model, pid: event.pid });
      return;
    case "process-end":
      logger.debug("process of a model ended", { model, pid: event.pid });
      return;
    case "process-log": {
      // What comes of an error has a line of its own (a failed load, a lost process, a failed call), and good models have warnings.
      const { pid, level, line } = event;
      logger[level === "error" ? "warn" : "debug"]("native library", { model, pid, line });
      return;
    }
    case "process-memory":
  }
}
