import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { expect, test } from "vitest";
import { NO_CALL } from "./testing/call-records.ts";
import { createTracing } from "./tracing.ts";

const TRACE_ID = "0af7651916cd43dd8448eb211c80319c";
const CALLER = { traceparent: `00-${TRACE_ID}-b7ad6b7169203331-01`, authorization: "Bearer sk-secret" };

function createTraced() {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracing = createTracing({ tracer: provider.getTracer("test"), close: () => provider.shutdown() });
  const start = (headers: Record<string, string> = {}, callId = NO_CALL.callId) =>
    tracing.startRequest({ callId, method: "POST", headers: new Headers(headers) });
  const findSpan = (name: string) => exporter.getFinishedSpans().find((span) => span.name === name);
  return { tracing, start, findSpan };
}

test("a call's span has the names of the GenAI conventions, lies below its request and lasts as long as the call", () => {
  const { tracing, start, findSpan } = createTraced();
  const request = start(CALLER);
  tracing.recordCall({
    ...NO_CALL,
    requestedModel: "default",
    usage: { ...NO_CALL.usage, inputTokens: 12, cachedTokens: 4, outputTokens: 7 },
    startedAtMs: 1_700_000_000_000,
    durationMs: 1500,
  });
  request.end({ operationId: "createChatCompletion", status: 200 });

  const call = findSpan("chat tiny");
  expect(call?.attributes).toEqual({
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openai-compat",
    "gen_ai.request.model": "default",
    "gen_ai.response.model": "tiny",
    "gen_ai.usage.input_tokens": 12,
    "gen_ai.usage.output_tokens": 7,
    "openai_compat.usage.source": "measured",
    "gen_ai.usage.cache_read.input_tokens": 4,
  });
  expect(call?.duration).toEqual([1, 500_000_000]);
  const server = findSpan("POST /v1/chat/completions");
  expect(server?.attributes).toEqual({
    "http.request.method": "POST",
    "http.route": "/v1/chat/completions",
    "http.response.status_code": 200,
  });
  expect(call?.parentSpanContext?.spanId).toBe(server?.spanContext().spanId);
});

test("the caller's trace is continued, and calls to upstreams are below this server's span", () => {
  const { start, findSpan } = createTraced();
  const request = start(CALLER);
  request.end({ operationId: null, status: 404 });
  const span = findSpan("POST");
  expect(span?.spanContext().traceId).toBe(TRACE_ID);
  expect(span?.parentSpanContext?.spanId).toBe("b7ad6b7169203331");
  expect(request.traceParent).toBe(`00-${TRACE_ID}-${span?.spanContext().spanId}-01`);
});

test.each([
  "nonsense",
  `00-${"0".repeat(32)}-b7ad6b7169203331-01`,
  `ff-${TRACE_ID}-b7ad6b7169203331-01`,
  `00-${TRACE_ID}-${"0".repeat(16)}-01`,
])("a traceparent that can't be read (%s) begins a trace of its own", (traceparent) => {
  const { start, findSpan } = createTraced();
  start({ traceparent }).end({ operationId: "listModels", status: 200 });
  const span = findSpan("POST /v1/models");
  expect(span?.parentSpanContext).toBeUndefined();
  expect(span?.spanContext().traceId).not.toBe(TRACE_ID);
});

test.each([
  ["engine_failed", 2],
  ["left", 0],
] as const)("a call that ends with %s says so", (outcome, statusCode) => {
  const { tracing, start, findSpan } = createTraced();
  start();
  tracing.recordCall({ ...NO_CALL, outcome });
  expect(findSpan("chat tiny")).toMatchObject({
    attributes: { "error.type": outcome },
    status: { code: statusCode },
  });
});

test("a call finds its request's span after the request has ended", () => {
  const { tracing, start, findSpan } = createTraced();
  start(CALLER).end({ operationId: "createChatCompletion", status: 499 });
  tracing.recordCall({ ...NO_CALL, outcome: "left" });
  expect(findSpan("chat tiny")?.spanContext().traceId).toBe(TRACE_ID);
});

test("calls at once with one request id lie each below its own request's span", () => {
  const { tracing, start, findSpan } = createTraced();
  const [first, second] = [start({}, "call_1"), start({}, "call_2")];
  tracing.recordCall({ ...NO_CALL, callId: "call_1", modelId: "first" });
  tracing.recordCall({ ...NO_CALL, callId: "call_2", modelId: "second" });
  first.end({ operationId: "createChatCompletion", status: 200 });
  second.end({ operationId: "createCompletion", status: 200 });
  const parentOf = (name: string) => findSpan(name)?.parentSpanContext?.spanId;
  expect(parentOf("chat first")).toBe(findSpan("POST /v1/chat/completions")?.spanContext().spanId);
  expect(parentOf("chat second")).toBe(findSpan("POST /v1/completions")?.spanContext().spanId);
});
