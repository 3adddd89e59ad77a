/** Prometheus metrics of local models: which are loaded, how often, how long that took, and why they were unloaded. */

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
  /** The process that has it in memory, as it was last seen; null where there is none. */
  readonly process: { readonly pid: number; readonly rssBytes: number | null } | null;
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
    type: Gauge,
    name: "model_process_resident_bytes",
    help: "Resident memory of the process of the model, as it was last seen; 0 without a process.",
    read: ({ process }: LoadReading) => process?.rssBytes ?? 0,
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
