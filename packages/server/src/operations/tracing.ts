/**
 * Spans with the conventions of OpenTelemetry: one for each request, and below it one for each call that reached a
 * model. Attributes are ids, counts and codes; a prompt or an answer is in none.
 *
 * @see https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/
 */

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from "@opentelemetry/api";
import type { Attributes, Context, SpanContext, Tracer } from "@opentelemetry/api";
import type { CallRecord, ModelOperationId } from "@openai-compat/core";
import { operations } from "@openai-compat/spec";
import type { Operation } from "@openai-compat/spec";
import type { RequestHeaders } from "../http/headers.ts";
import { decodeTraceParent } from "./trace-parent.ts";

export interface TracedRequest {
  /** Of the call that the request carries, if it carries one. */
  readonly callId: string;
  readonly method: string;
  readonly headers: RequestHeaders;
}

export interface RequestSpan {
  /** For calls to upstreams. */
  readonly traceParent: string;
  end(answer: { readonly operationId: string | null; readonly status: number }): void;
}

export interface Tracing {
  /** Continues the caller's trace where it sent one. */
  startRequest(request: TracedRequest): RequestSpan;
  /** Below its request's span, also when that has ended. */
  recordCall(call: CallRecord): void;
  /** Exports the remaining spans. It resolves also when the collector does not answer. */
  close(): Promise<void>;
}

export interface TracingOptions {
  readonly tracer: Tracer;
  readonly close: () => Promise<void>;
}

/**
 * A call whose client disconnected ends after its request: the newest requests are remembered so that it finds its own.
 */
const REMEMBERED_REQUESTS_MAX = 10_000;

const PROVIDER = "openai-compat";
/** What the conventions have a name for; any other operation goes by its id. */
const GEN_AI_OPERATIONS: Readonly<Partial<Record<ModelOperationId, string>>> = {
  createChatCompletion: "chat",
  createCompletion: "text_completion",
  createEmbedding: "embeddings",
};
const ROUTES: ReadonlyMap<string, string> = new Map(
  Object.values<Operation>(operations).map(({ id, path }) => [id, `/v1${path}`]),
);
/** RFC 9110 and PATCH: what the convention lets stand; the rest is `_OTHER`. */
const KNOWN_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"]);
const SERVER_ERROR = 500;

export function createTracing({ tracer, close }: TracingOptions): Tracing {
  const contexts = new Map<string, Context>();

  function remember(callId: string, context: Context): void {
    contexts.set(callId, context);
    const oldest = contexts.keys().next();
    if (contexts.size > REMEMBERED_REQUESTS_MAX && oldest.done !== true) contexts.delete(oldest.value);
  }

  return {
    startRequest({ callId, method: givenMethod, headers }) {
      const method = KNOWN_METHODS.has(givenMethod) ? givenMethod : "_OTHER";
      const span = tracer.startSpan(
        method,
        { kind: SpanKind.SERVER, attributes: { "http.request.method": method } },
        decodeParent(headers),
      );
      remember(callId, trace.setSpan(ROOT_CONTEXT, span));
      return {
        traceParent: encodeTraceParent(span.spanContext()),
        end({ operationId, status }) {
          const route = ROUTES.get(operationId ?? "");
          if (route !== undefined) span.updateName(`${method} ${route}`).setAttribute("http.route", route);
          span.setAttribute("http.response.status_code", status);
          if (status >= SERVER_ERROR) {
            span.setAttribute("error.type", String(status)).setStatus({ code: SpanStatusCode.ERROR });
          }
          span.end();
        },
      };
    },
    recordCall(call) {
      const name = `${nameOperation(call)} ${call.modelId}`;
      const context = contexts.get(call.callId) ?? ROOT_CONTEXT;
      const span = tracer.startSpan(
        name,
        { kind: SpanKind.INTERNAL, startTime: call.startedAtMs, attributes: describeCall(call) },
        context,
      );
      if (call.outcome !== "completed") {
        span.setAttribute("error.type", call.outcome);
        if (call.outcome !== "left") span.setStatus({ code: SpanStatusCode.ERROR });
      }
      span.end(call.startedAtMs + call.durationMs);
    },
    close,
  };
}

function nameOperation({ operationId }: CallRecord): string {
  return GEN_AI_OPERATIONS[operationId] ?? operationId;
}

function describeCall(call: CallRecord): Attributes {
  return {
    "gen_ai.operation.name": nameOperation(call),
    "gen_ai.provider.name": PROVIDER,
    "gen_ai.request.model": call.requestedModel,
    "gen_ai.response.model": call.modelId,
    "gen_ai.usage.input_tokens": call.usage.inputTokens,
    "gen_ai.usage.output_tokens": call.usage.outputTokens,
    "gen_ai.usage.cache_read.input_tokens": call.usage.cachedTokens,
    // The conventions have no name for it.
    ...(call.usageSource === null ? null : { "openai_compat.usage.source": call.usageSource }),
  };
}

function decodeParent(headers: RequestHeaders): Context {
  const [, traceId = "", spanId = "", flags = ""] = decodeTraceParent(headers)?.split("-") ?? [];
  if (traceId === "") return ROOT_CONTEXT;
  const traceFlags = Number.parseInt(flags, 16);
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function encodeTraceParent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, "0")}`;
}
