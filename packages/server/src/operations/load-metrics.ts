/**
 * Prometheus metrics of local models: which are loaded, how often, how long that took, why they were unloaded, and what became of their
 * processes.
 */

import type { UnloadReason } from "@openai-compat/core";
import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";

/** What became of a model since the start. */
export interface LoadReading {
  readonly modelId: string;
  /** Copies in memory now: 1 or 0, and 2 for a moment while one that was closed still answers. */
  readonly loaded: number;
  /** What a copy takes by estimate; 0 before its first load. */
  readonly bytes: number;
  readonly loads: number;
  readonly failures: number;
  /** All good loads together, without the wait for room. */
  readonly loadSeconds: number;
  readonly unloads: Readonly<Record<UnloadReason, number>>;
  /** How often its process has ended otherwise than by an unload. */
  readonly losses: number;
  /** How often a process was started in place of one that was lost. */
  readonly restarts: number;
  /** Why its last load failed, or its last process was lost, whichever came later; null: neither happened. For operators. */
  readonly lastProblem: string | null;
  /** What callers were told when its last load failed; null: that is not for them, or nothing failed. */
  readonly lastRefusal: string | null;
  /** Whether a process is loading it now. */
  readonly isLoading: boolean;
  /** Its processes now, as they were last seen: one that loads or ends included. */
  readonly processes: readonly ProcessReading[];
  /** For how long calls get the last problem in place of a load; 0: they may load it. */
  readonly retryAfterMs: number;
}

export interface ProcessReading {
  readonly pid: number;
  /** Null before it is known. */
  readonly rssBytes: number | null;
}

const LOAD_METRICS = [
  {
    type: Gauge,
    name: "model_loaded",
    help: "1 while the model is in memory.",
    read: ({ loaded }: LoadReading) => loaded,
  },
  {
    type: Gauge,
    name: "model_memory_bytes",
    help: "What the model takes in memory, by estimate.",
    read: ({ loaded, bytes }: LoadReading) => loaded * bytes,
  },
  { type: Counter, name: "model_loads_total", help: "Loads that went well.", read: ({ loads }: LoadReading) => loads },
  {
    type: Counter,
    name: "model_load_failures_total",
    help: "Loads that failed.",
    read: ({ failures }: LoadReading) => failures,
  },
  {
    type: Counter,
    name: "model_load_seconds_total",
    help: "Time that loads took, the wait for memory not counted.",
    read: ({ loadSeconds }: LoadReading) => loadSeconds,
  },
  {
    type: Counter,
    name: "model_process_losses_total",
    help: "How often the process of the model ended otherwise than by an unload.",
    read: ({ losses }: LoadReading) => losses,
  },
  {
    type: Counter,
    name: "model_process_restarts_total",
    help: "How often a process of the model was started in place of one that was lost.",
    read: ({ restarts }: LoadReading) => restarts,
  },
  {
    type: Gauge,
    name: "model_processes",
    help: "Processes of the model, one that loads or ends included.",
    read: ({ processes }: LoadReading) => processes.length,
  },
  {
    type: Gauge,
    name: "model_available",
    help: "0 while calls are refused because loads failed or processes were lost; 1 when the model may be loaded.",
    read: ({ retryAfterMs }: LoadReading) => (retryAfterMs > 0 ? 0 : 1),
  },
  {
    type: Gauge,
    name: "model_process_resident_memory_bytes",
    help: "Resident memory of the processes of the model, as it was last seen; 0 without a process.",
    read: ({ processes }: LoadReading) => processes.reduce((sum, { rssBytes }) => sum + (rssBytes ?? 0), 0),
  },
] as const;

/** @param prefix of every name. */
export function addLoadMetrics(registry: Registry, prefix: string, loads: () => readonly LoadReading[]): void {
  for (const { type: Metric, name, help, read } of LOAD_METRICS) {
    registry.registerMetric(
      new Metric({
        name: `${prefix}${name}`,
        help,
        labelNames: ["model"],
        registers: [],
        collect() {
          this.reset();
          for (const reading of loads()) this.inc({ model: reading.modelId }, read(reading));
        },
      }),
    );
  }
  registry.registerMetric(
    new Counter({
      name: `${prefix}model_unloads_total`,
      help: "Unloads by reason: idle, memory (another model needed it) or close.",
      labelNames: ["model", "reason"],
      registers: [],
      collect() {
        this.reset();
        for (const { modelId, unloads } of loads()) {
          for (const [reason, count] of Object.entries(unloads)) this.inc({ model: modelId, reason }, count);
        }
      },
    }),
  );
}
