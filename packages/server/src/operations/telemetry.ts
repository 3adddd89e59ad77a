/**
 * Reports what happened to log, metrics and traces. Each gets facts that are chosen here: ids, counts and times, never
 * a text of a caller, but for the names of a schema's properties: escaped and cut as in the response header.
 */

import type { AiError, CallRecord } from "@openai-compat/core";
import type { RequestHeaders } from "../http/headers.ts";
import { listRelaxedSchemas } from "../surfaces/openai/protocol/relaxed-schemas.ts";
import type { SessionRecord } from "../surfaces/openai/realtime/open-realtime.ts";
import type { RequestFacts, RequestScope } from "../http/request-scope.ts";
import type { Deferred } from "./deferred.ts";
import type { LogFields, Logger } from "./logger.ts";
import type { Metrics } from "./metrics.ts";
import { decodeTraceParent } from "./trace-parent.ts";
import type { Tracing } from "./tracing.ts";
import { explainUsageShown } from "./usage-shown.ts";

export interface TelemetryOptions {
  readonly logger: Logger;
  readonly metrics: Deferred<Metrics>;
  /** Null when no traces are made. */
  readonly tracing: Tracing | null;
}

export interface ObservedRequest {
  readonly requestId: string;
  /** Of the call that the request carries, if it carries one. */
  readonly callId: string;
  readonly method: string;
  /** Without its query, which may hold a token. */
  readonly path: string;
  readonly headers: RequestHeaders;
}

export interface RequestObservation {
  readonly traceParent: string | null;
  readonly facts: RequestFacts;
  /** @param isComplete whether all of the answer was taken. */
  end(status: number, isComplete: boolean): void;
}

export interface Telemetry {
  readonly startRequest: (request: ObservedRequest) => RequestObservation;
  readonly recordError: (error: AiError, scope: RequestScope) => void;
  readonly recordCall: (call: CallRecord) => void;
  readonly recordSession: (session: SessionRecord) => void;
}

/** Longer paths are no path of ours. */
const LOGGED_PATH_LENGTH_MAX = 200;
const FIRST_ERROR_STATUS = 400;

export function createTelemetry({ logger, metrics, tracing }: TelemetryOptions): Telemetry {
  /** Requests that have not ended, by the id of their call, each with the call that it led to. */
  const running = new Map<string, { call: CallRecord | null }>();

  return {
    startRequest({ requestId, callId, method, path, headers }) {
      const startedAt = performance.now();
      const span = tracing?.startRequest({ callId, method, headers }) ?? null;
      const facts: RequestFacts = { operationId: null, accountId: null, isUsageRequested: null };
      const entry: { call: CallRecord | null } = { call: null };
      running.set(callId, entry);
      return {
        traceParent: span === null ? decodeTraceParent(headers) : span.traceParent,
        facts,
        end(status, isComplete) {
          const durationMs = performance.now() - startedAt;
          const { operationId, accountId, isUsageRequested } = facts;
          running.delete(callId);
          // Probes, scrapes and pages would bury the calls.
          const writeLine = operationId === null && status < FIRST_ERROR_STATUS ? logger.debug : logger.info;
          writeLine("request", {
            requestId,
            method,
            path: path.slice(0, LOGGED_PATH_LENGTH_MAX),
            operation: operationId,
            account: accountId,
            status,
            durationMs: Math.round(durationMs),
            complete: isComplete,
            ...(entry.call === null ? null : describeCall(entry.call)),
            // What was refused before its head was no stream.
            ...(isUsageRequested === null || status >= FIRST_ERROR_STATUS
              ? null
              : { usageShown: explainUsageShown({ isUsageRequested, isComplete, call: entry.call }) }),
          });
          metrics.use((loaded) => loaded.recordRequest({ operationId, method, status, durationMs }));
          span?.end({ operationId, status });
        },
      };
    },
    recordError: (error, { facts }) => metrics.use((loaded) => loaded.recordError(facts.operationId, error.code)),
    recordCall(call) {
      const entry = running.get(call.callId);
      if (entry === undefined) logLateCall(logger, call);
      else entry.call = call;
      metrics.use((loaded) => loaded.recordCall(call));
      tracing?.recordCall(call);
    },
    recordSession(session) {
      const { requestId, operationId, accountId, durationMs, cause, closeCode, counts } = session;
      const line = { requestId, operation: operationId, account: accountId, durationMs: Math.round(durationMs) };
      const { turns, failedTurns } = counts;
      const [heardMs, receivedMs] = [Math.round(counts.heardMs), Math.round(counts.receivedMs)];
      logger.info("realtime session", { ...line, cause, closeCode, turns, failedTurns, heardMs, receivedMs });
      metrics.use((loaded) => loaded.recordSession(session));
    },
  };
}

/** A call whose client disconnected ends after its request, and gets a line of its own with the same request id. */
function logLateCall(logger: Logger, call: CallRecord): void {
  const { requestId, operationId, accountId, durationMs } = call;
  const line = { requestId, operation: operationId, account: accountId, durationMs: Math.round(durationMs) };
  logger.info("call", { ...line, ...describeCall(call) });
}

function describeCall(call: CallRecord): LogFields {
  const { usage, firstOutputAfterMs } = call;
  return {
    model: call.modelId,
    outcome: call.outcome,
    streamed: call.streamed,
    promptTokens: usage.inputTokens,
    cachedTokens: usage.cachedTokens,
    completionTokens: usage.outputTokens,
    audioMs: usage.audioMs,
    characters: usage.characters,
    ...(call.usageSource === null ? null : { usageSource: call.usageSource }),
    ...(call.relaxed.length > 0 ? { schemaRelaxed: listRelaxedSchemas(call.relaxed) } : null),
    heldMicrocredits: call.heldAmount,
    chargedMicrocredits: call.chargedAmount,
    queueMs: Math.round(call.admittedAfterMs),
    firstOutputMs: firstOutputAfterMs === null ? null : Math.round(firstOutputAfterMs),
  };
}
