/** Records what becomes of the processes that decode uploaded audio, for log, metrics and readiness. It starts none itself. */

import type { DecoderEvent } from "@openai-compat/core";
import type { DecoderReading } from "./operations/decoder-metrics.ts";
import type { Logger } from "./operations/logger.ts";

export interface DecoderProcesses {
  readonly record: (event: DecoderEvent) => void;
  readonly reading: () => DecoderReading;
}

export function createDecoderProcesses(logger: Logger): DecoderProcesses {
  /** Resident bytes by pid; null until the first are known. */
  const processes = new Map<number, number | null>();
  let [starts, losses] = [0, 0];
  return {
    record(event) {
      const { pid } = event;
      switch (event.type) {
        case "process-start":
          starts += 1;
          processes.set(pid, null);
          logger.debug("audio decoder started", { pid });
          return;
        case "process-memory":
          processes.set(pid, event.rssBytes);
          return;
        case "process-end":
          processes.delete(pid);
          logger.debug("audio decoder ended", { pid });
          return;
        case "lost":
          losses += 1;
          logger.warn("audio decoder lost", { pid, reason: event.reason });
          return;
        case "process-log":
          logger[event.level === "error" ? "warn" : "debug"]("audio decoder", { pid, line: event.line });
      }
    },
    reading: () => ({ processes: [...processes].map(([pid, rssBytes]) => ({ pid, rssBytes })), starts, losses }),
  };
}
