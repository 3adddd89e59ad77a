/** Records the loads of local models, for log and metrics. It loads nothing itself. */

import { AiError } from "@openai-compat/core";
import type { LoadEvent } from "@openai-compat/core";
import { describeReason } from "./describe-thrown.ts";
import type { LoadReading } from "./operations/load-metrics.ts";
import type { Logger } from "./operations/logger.ts";

export interface ModelLoads {
  /** From now on the model is among the readings. Call it once for each. */
  watch(modelId: string): (event: LoadEvent) => void;
  readonly readings: () => readonly LoadReading[];
}

type EventLogger = Pick<Logger, "info" | "warn" | "error">;

export function createModelLoads(logger: EventLogger): ModelLoads {
  const counts: MutableReading[] = [];
  return {
    watch(modelId) {
      const reading = createReading(modelId);
      counts.push(reading);
      return (event) => {
        countEvent(reading, event);
        logEvent(logger, modelId, event);
      };
    },
    readings: () => counts,
  };
}

type MutableReading = { -readonly [Key in keyof LoadReading]: LoadReading[Key] };

function createReading(modelId: string): MutableReading {
  return {
    modelId,
    loaded: 0,
    bytes: 0,
    loads: 0,
    failures: 0,
    loadSeconds: 0,
    unloads: { idle: 0, memory: 0, close: 0 },
    losses: 0,
    process: null,
  };
}

function countEvent(reading: MutableReading, event: LoadEvent): void {
  switch (event.type) {
    case "load-end":
      reading.loaded += 1;
      reading.loads += 1;
      reading.bytes = event.bytes;
      reading.loadSeconds += event.durationMs / 1000;
      return;
    case "load-failed":
      reading.failures += 1;
      return;
    case "unload":
      reading.loaded -= 1;
      reading.unloads = { ...reading.unloads, [event.reason]: reading.unloads[event.reason] + 1 };
      if (reading.loaded === 0) reading.process = null;
      return;
    case "lost":
      reading.loaded -= 1;
      reading.losses += 1;
      if (reading.loaded === 0) reading.process = null;
      return;
    case "process":
      reading.process = { pid: event.pid, rssBytes: event.rssBytes };
  }
}

function logEvent(logger: EventLogger, model: string, event: LoadEvent): void {
  switch (event.type) {
    case "load-end":
      logger.info("model loaded", { model, durationMs: Math.round(event.durationMs), bytes: event.bytes });
      return;
    case "load-failed": {
      const code = event.thrown instanceof AiError ? event.thrown.code : null;
      const { retryAfterMs } = event;
      logger.warn("model can't be loaded", { model, code, retryAfterMs, cause: describeReason(event.thrown) });
      return;
    }
    case "lost":
      logger.error("process of a model lost", { model, reason: event.reason, retryAfterMs: event.retryAfterMs });
      return;
    case "process":
      return;
    case "unload":
      if (event.failure === null) logger.info("model unloaded", { model, reason: event.reason });
      else logger.error("model can't be unloaded", { model, cause: String(event.failure.thrown) });
  }
}
