/**
 * What an operator has of a running server: telemetry of every request, and the routes that show its state. Nothing
 * here decides what a caller gets.
 */

import { createDeferred } from "./deferred.ts";
import type { Deferred } from "./deferred.ts";
import type { DecoderReading } from "./decoder-metrics.ts";
import type { LoadReading } from "./load-metrics.ts";
import type { Logger } from "./logger.ts";
import { hasMetricsAccess, requireMetricsAccess } from "./metrics-access.ts";
import type { Metrics, QueueReading, UpstreamReading } from "./metrics.ts";
import { createPublicHandlers } from "./public-routes.ts";
import type { PublicHandler, PublicHandlers } from "./public-routes.ts";
import { createReadiness, encodeReadiness } from "./readiness.ts";
import type { ReadinessPart } from "./readiness.ts";
import { createTelemetry } from "./telemetry.ts";
import type { Telemetry } from "./telemetry.ts";
import type { Tracing } from "./tracing.ts";

export interface OperationsSettings {
  /** The bearer token that opens `/metrics`; null: direct connections from this machine. */
  readonly metricsToken: string | null;
  /** How long all parts together may take to say that they are ready. */
  readonly readinessTimeoutMs: number;
  /** How long the last trial write to the store is good enough. */
  readonly writeProbeIntervalMs: number;
}

export interface ServerOperationsOptions {
  readonly settings: OperationsSettings;
  readonly logger: Logger;
  readonly tracing: Tracing | null;
  readonly readinessParts: readonly ReadinessPart[];
  readonly queues: () => readonly QueueReading[];
  readonly upstreams: () => readonly UpstreamReading[];
  readonly loads: () => readonly LoadReading[];
  readonly decoders: () => DecoderReading;
  readonly pendingSettlements: () => number;
  readonly requestsInFlight: () => number;
  readonly openSessions: () => number;
}

export interface ServerOperations {
  readonly telemetry: Telemetry;
  readonly publicHandlers: PublicHandlers;
}

export function createServerOperations(options: ServerOperationsOptions): ServerOperations {
  const { settings, logger, tracing, queues, upstreams, loads, decoders } = options;
  const { pendingSettlements, requestsInFlight, openSessions } = options;
  // Loading it takes a tenth of the whole start, and metrics may never be read.
  const metrics = createDeferred(
    async () => {
      const { createMetrics } = await import("./metrics.ts");
      const readings = { queues, upstreams, loads, decoders, pendingSettlements, requestsInFlight, openSessions };
      return createMetrics(readings);
    },
    (thrown) => logger.error("metrics can't be loaded", { cause: String(thrown) }),
  );
  const readiness = createReadiness({
    parts: options.readinessParts,
    timeoutMs: settings.readinessTimeoutMs,
    onNotReady: (part, reason) => logger.warn("not ready", { part, reason }),
  });
  return {
    telemetry: createTelemetry({ logger, metrics, tracing }),
    publicHandlers: createPublicHandlers({
      async serveReadiness(request, { peerAddress }) {
        const isOperator = hasMetricsAccess({ request, peerAddress }, settings.metricsToken);
        return encodeReadiness(await readiness.check(), isOperator ? { loads: loads(), decoders: decoders() } : null);
      },
      serveMetrics: createMetricsHandler(metrics, settings.metricsToken),
    }),
  };
}

function createMetricsHandler(metrics: Deferred<Metrics>, token: string | null): PublicHandler {
  return async (request, { peerAddress }) => {
    requireMetricsAccess({ request, peerAddress }, token);
    const loaded = await metrics.get();
    return new Response(await loaded.encode(), {
      headers: { "content-type": loaded.contentType, "cache-control": "no-store" },
    });
  };
}
