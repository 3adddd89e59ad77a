/**
 * What the server did, as Prometheus counts it. One registry per server, no global one. Every label comes from a closed
 * set: operation ids, error codes, ids of registered models; never a path, an account or a word of a caller.
 */

import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { AiErrorCode, CallRecord } from "@openai-compat/core";
import { addDecoderMetrics } from "./decoder-metrics.ts";
import type { DecoderReading } from "./decoder-metrics.ts";
import { addLoadMetrics } from "./load-metrics.ts";
import type { LoadReading } from "./load-metrics.ts";
import type { SessionRecord } from "../surfaces/openai/realtime/open-realtime.ts";
import packageJson from "../../package.json" with { type: "json" };

export interface QueueReading {
  readonly modelId: string;
  readonly running: number;
  readonly waiting: number;
}

/** One base URL of an upstream model. */
export interface UpstreamReading {
  readonly modelId: string;
  /** Its position in the settings: metrics contain no address. */
  readonly index: number;
  readonly state: "closed" | "open" | "half_open";
  readonly running: number;
  /** Since the start. */
  readonly failures: number;
  /** Since the start. */
  readonly failovers: number;
}

export interface MetricsOptions {
  readonly queues: () => readonly QueueReading[];
  readonly upstreams: () => readonly UpstreamReading[];
  readonly loads: () => readonly LoadReading[];
  readonly decoders: () => DecoderReading;
  readonly pendingSettlements: () => number;
  readonly requestsInFlight: () => number;
  readonly openSessions: () => number;
}

/** An answered request. */
export interface RequestReading {
  /** Null when no operation has this path. */
  readonly operationId: string | null;
  readonly method: string;
  readonly status: number;
  readonly durationMs: number;
}

export interface Metrics {
  recordRequest(request: RequestReading): void;
  /** A refused or failed request, by what was thrown. */
  recordError(operationId: string | null, code: AiErrorCode): void;
  recordCall(call: CallRecord): void;
  /** A realtime session that has ended. */
  recordSession(session: Pick<SessionRecord, "cause">): void;
  readonly contentType: string;
  encode(): Promise<string>;
}

const PREFIX = "openai_compat_";
/** Stands for everything that is no operation, so that a scanner makes no series. */
const UNROUTED = "unrouted";
const METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "DELETE", "OPTIONS", "PUT", "PATCH"]);

/** From a cached answer to the longest generation, in seconds. */
const DURATION_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600];

export function createMetrics(options: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const requests = createRequestMetrics(registry);
  const calls = createCallMetrics(registry);
  const sessions = new Counter({
    name: `${PREFIX}realtime_sessions_total`,
    help: "Realtime sessions that have ended, by who or what ended them.",
    labelNames: ["cause"],
    registers: [registry],
  });
  addGauges(registry, options);
  addUpstreamMetrics(registry, options.upstreams);
  addLoadMetrics(registry, PREFIX, options.loads);
  addDecoderMetrics(registry, PREFIX, options.decoders);
  return {
    recordRequest({ operationId, method, status, durationMs }) {
      const operation = operationId ?? UNROUTED;
      requests.total.inc({ operation, method: METHODS.has(method) ? method : "other", status });
      requests.durationSeconds.observe({ operation }, durationMs / 1000);
    },
    recordError: (operationId, code) => requests.errors.inc({ operation: operationId ?? UNROUTED, code }),
    recordCall(call) {
      const { modelId: model, operationId: operation, usage, firstOutputAfterMs } = call;
      calls.total.inc({ operation, model, outcome: call.outcome });
      calls.tokens.inc({ model, kind: "prompt" }, usage.inputTokens);
      calls.tokens.inc({ model, kind: "cached" }, usage.cachedTokens);
      calls.tokens.inc({ model, kind: "completion" }, usage.outputTokens);
      if (call.usageSource !== null) calls.usageSources.inc({ model, source: call.usageSource });
      if (usage.audioMs > 0) calls.audioSeconds.inc({ model }, usage.audioMs / 1000);
      if (usage.characters > 0) calls.characters.inc({ model }, usage.characters);
      calls.held.inc({ operation }, call.heldAmount);
      calls.charged.inc({ operation }, call.chargedAmount);
      calls.queueSeconds.observe({ model }, call.admittedAfterMs / 1000);
      if (firstOutputAfterMs !== null) calls.firstTokenSeconds.observe({ model }, firstOutputAfterMs / 1000);
    },
    recordSession: ({ cause }) => sessions.inc({ cause }),
    contentType: registry.contentType,
    encode: () => registry.metrics(),
  };
}

function createRequestMetrics(registry: Registry) {
  const registers = [registry];
  return {
    total: new Counter({
      name: `${PREFIX}http_requests_total`,
      help: "Requests answered.",
      labelNames: ["operation", "method", "status"],
      registers,
    }),
    durationSeconds: new Histogram({
      name: `${PREFIX}http_request_duration_seconds`,
      help: "From a request's head to the end of its answer.",
      labelNames: ["operation"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    errors: new Counter({
      name: `${PREFIX}errors_total`,
      help: "Requests refused or failed, by code: rate_limited and quota_exceeded among them.",
      labelNames: ["operation", "code"],
      registers,
    }),
  };
}

function createCallMetrics(registry: Registry) {
  const registers = [registry];
  const count = (name: string, help: string, labelNames: string[]) =>
    new Counter({ name: `${PREFIX}${name}`, help, labelNames, registers });
  const time = (name: string, help: string) =>
    new Histogram({
      name: `${PREFIX}${name}`,
      help,
      labelNames: ["model"],
      buckets: DURATION_BUCKETS,
      registers,
    });
  return {
    total: count("calls_total", "Calls that were admitted to a model and have ended.", [
      "operation",
      "model",
      "outcome",
    ]),
    tokens: count("tokens_total", "Tokens by kind; the cached ones are a part of the prompt.", ["model", "kind"]),
    usageSources: count(
      "calls_usage_total",
      "Calls that used something, by where their usage comes from: measured here, reported by the upstream, estimated.",
      ["model", "source"],
    ),
    audioSeconds: count("audio_seconds_total", "Audio transcribed.", ["model"]),
    characters: count("characters_total", "Characters spoken.", ["model"]),
    held: count("credits_held_microcredits_total", "Credits reserved for calls before they ran.", ["operation"]),
    charged: count("credits_charged_microcredits_total", "Credits charged.", ["operation"]),
    queueSeconds: time("queue_wait_seconds", "From the model's choice to a slot of it."),
    firstTokenSeconds: time("time_to_first_token_seconds", "From the model's choice to the first output."),
  };
}

function addGauges(registry: Registry, options: MetricsOptions): void {
  const { queues, requestsInFlight, openSessions, pendingSettlements } = options;
  // None: each is registered below.
  const registers: Registry[] = [];
  for (const [name, help, read] of [
    ["http_requests_in_flight", "Requests being answered.", requestsInFlight],
    ["realtime_sessions_open", "Realtime sessions that are open.", openSessions],
    ["settlements_pending", "Calls that have ended and that the store has not settled yet.", pendingSettlements],
  ] as const) {
    registry.registerMetric(
      new Gauge({
        name: `${PREFIX}${name}`,
        help,
        registers,
        collect() {
          this.set(read());
        },
      }),
    );
  }
  for (const [kind, help] of [
    ["running", "Slots of a model that are held."],
    ["waiting", "Calls that wait for a slot."],
  ] as const) {
    registry.registerMetric(
      new Gauge({
        name: `${PREFIX}queue_${kind}`,
        help,
        labelNames: ["model"],
        registers,
        collect() {
          // Models come and go.
          this.reset();
          for (const queue of queues()) this.set({ model: queue.modelId }, queue[kind]);
        },
      }),
    );
  }
  registry.registerMetric(
    new Gauge({
      name: `${PREFIX}build_info`,
      help: "1; its labels say what runs.",
      labelNames: ["version", "node"],
      registers,
      collect() {
        this.set({ version: packageJson.version, node: process.versions.node }, 1);
      },
    }),
  );
}

/** Which of these is a number that only grows says its type; all of them are read on request. */
const UPSTREAM_METRICS = [
  {
    type: Gauge,
    name: "upstream_available",
    help: "1 when calls go there; 0 while it is left alone after failures, or being tried again.",
    read: ({ state }: UpstreamReading) => Number(state === "closed"),
  },
  {
    type: Gauge,
    name: "upstream_calls_in_flight",
    help: "Calls that it is answering.",
    read: ({ running }: UpstreamReading) => running,
  },
  {
    type: Counter,
    name: "upstream_failures_total",
    help: "Calls that it did not take, broke off or answered by a 5xx.",
    read: ({ failures }: UpstreamReading) => failures,
  },
  {
    type: Counter,
    name: "upstream_failovers_total",
    help: "Calls that came to it because another could not be reached.",
    read: ({ failovers }: UpstreamReading) => failovers,
  },
] as const;

function addUpstreamMetrics(registry: Registry, upstreams: MetricsOptions["upstreams"]): void {
  for (const { type: Metric, name, help, read } of UPSTREAM_METRICS) {
    registry.registerMetric(
      new Metric({
        name: `${PREFIX}${name}`,
        help,
        labelNames: ["model", "upstream"],
        registers: [],
        collect() {
          this.reset();
          for (const reading of upstreams()) {
            this.inc({ model: reading.modelId, upstream: reading.index }, read(reading));
          }
        },
      }),
    );
  }
}
