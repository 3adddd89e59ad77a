/** Prometheus metrics of the processes that decode uploaded audio. */

import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";
import type { ProcessReading } from "./load-metrics.ts";

export interface DecoderReading {
  /** Now, as they were last seen. */
  readonly processes: readonly ProcessReading[];
  /** Since the start. */
  readonly starts: number;
  /** How many ended otherwise than by the server. */
  readonly losses: number;
}

const DECODER_METRICS = [
  {
    type: Gauge,
    name: "decoder_processes",
    help: "Processes that decode uploaded audio.",
    read: ({ processes }: DecoderReading) => processes.length,
  },
  {
    type: Gauge,
    name: "decoder_process_resident_memory_bytes",
    help: "Resident memory of the processes that decode uploaded audio, as it was last seen; 0 without a process.",
    read: ({ processes }: DecoderReading) => processes.reduce((sum, { rssBytes }) => sum + (rssBytes ?? 0), 0),
  },
  {
    type: Counter,
    name: "decoder_process_starts_total",
    help: "Processes that were started to decode uploaded audio.",
    read: ({ starts }: DecoderReading) => starts,
  },
  {
    type: Counter,
    name: "decoder_process_losses_total",
    help: "Processes that decoded uploaded audio and ended by themselves, or were killed.",
    read: ({ losses }: DecoderReading) => losses,
  },
] as const;

/** @param prefix of every name. */
export function addDecoderMetrics(registry: Registry, prefix: string, read: () => DecoderReading): void {
  for (const { type: Metric, name, help, read: readValue } of DECODER_METRICS) {
    registry.registerMetric(
      new Metric({
        name: `${prefix}${name}`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(readValue(read()));
        },
      }),
    );
  }
}
