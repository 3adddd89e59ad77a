import { expect, test } from "vitest";
import { createMetrics } from "./metrics.ts";
import { NO_CALL } from "./testing/call-records.ts";

function createIdleMetrics() {
  return createMetrics({
    queues: () => [{ modelId: "tiny", running: 2, waiting: 5 }],
    upstreams: () => [
      { modelId: "far", index: 0, state: "closed", running: 4, failures: 1, failovers: 0 },
      { modelId: "far", index: 1, state: "open", running: 0, failures: 6, failovers: 7 },
      { modelId: "far", index: 2, state: "half_open", running: 1, failures: 0, failovers: 0 },
    ],
    loads: () => [
      {
        modelId: "tiny",
        loaded: 1,
        bytes: 5000,
        loads: 3,
        failures: 2,
        loadSeconds: 1.5,
        unloads: { idle: 1, memory: 1, close: 0 },
        losses: 4,
        restarts: 3,
        lastProblem: "it was ended by SIGKILL",
        lastRefusal: null,
        isLoading: false,
        processes: [
          { pid: 40, rssBytes: 6000 },
          { pid: 41, rssBytes: null },
        ],
        retryAfterMs: 5000,
      },
      {
        modelId: "unused",
        loaded: 0,
        bytes: 0,
        loads: 0,
        failures: 0,
        loadSeconds: 0,
        unloads: { idle: 0, memory: 0, close: 0 },
        losses: 0,
        restarts: 0,
        lastProblem: null,
        lastRefusal: null,
        isLoading: false,
        processes: [],
        retryAfterMs: 0,
      },
    ],
    decoders: () => ({
      processes: [
        { pid: 50, rssBytes: 7000 },
        { pid: 51, rssBytes: 8000 },
      ],
      starts: 9,
      losses: 2,
    }),
    pendingSettlements: () => 6,
    requestsInFlight: () => 3,
    openSessions: () => 0,
  });
}

test("a call's tokens, credits and first token are counted", async () => {
  const metrics = createIdleMetrics();
  metrics.recordCall({
    ...NO_CALL,
    usage: { ...NO_CALL.usage, inputTokens: 12, cachedTokens: 4, outputTokens: 7 },
    heldAmount: 900,
    chargedAmount: 300,
    firstOutputAfterMs: 40,
  });
  const text = await metrics.encode();
  for (const line of [
    'openai_compat_calls_total{operation="createChatCompletion",model="tiny",outcome="completed"} 1',
    'openai_compat_tokens_total{model="tiny",kind="prompt"} 12',
    'openai_compat_tokens_total{model="tiny",kind="cached"} 4',
    'openai_compat_tokens_total{model="tiny",kind="completion"} 7',
    'openai_compat_calls_usage_total{model="tiny",source="measured"} 1',
    'openai_compat_credits_held_microcredits_total{operation="createChatCompletion"} 900',
    'openai_compat_credits_charged_microcredits_total{operation="createChatCompletion"} 300',
    'openai_compat_time_to_first_token_seconds_bucket{le="0.05",model="tiny"} 1',
    'openai_compat_time_to_first_token_seconds_bucket{le="0.025",model="tiny"} 0',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("what stands now is read when it is asked for", async () => {
  const text = await createIdleMetrics().encode();
  expect(text).toContain('openai_compat_queue_running{model="tiny"} 2\n');
  expect(text).toContain('openai_compat_queue_waiting{model="tiny"} 5\n');
  expect(text).toContain("openai_compat_http_requests_in_flight 3\n");
  expect(text).toContain("openai_compat_settlements_pending 6\n");
  expect(text).toMatch(/openai_compat_build_info\{version="\d+\.\d+\.\d+",node="[\d.]+"\} 1\n/);
  expect(text).toContain("process_cpu_seconds_total");
});

test("each base URL of an upstream model is reported by its position, however often the metrics are read", async () => {
  const metrics = createIdleMetrics();
  await metrics.encode();
  const text = await metrics.encode();
  for (const line of [
    'openai_compat_upstream_available{model="far",upstream="0"} 1',
    'openai_compat_upstream_available{model="far",upstream="1"} 0',
    'openai_compat_upstream_available{model="far",upstream="2"} 0',
    'openai_compat_upstream_calls_in_flight{model="far",upstream="0"} 4',
    'openai_compat_upstream_failures_total{model="far",upstream="1"} 6',
    'openai_compat_upstream_failovers_total{model="far",upstream="1"} 7',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("loads of local models are reported, however often the metrics are read", async () => {
  const metrics = createIdleMetrics();
  await metrics.encode();
  const text = await metrics.encode();
  for (const line of [
    'openai_compat_model_loaded{model="tiny"} 1',
    'openai_compat_model_loaded{model="unused"} 0',
    'openai_compat_model_memory_bytes{model="tiny"} 5000',
    'openai_compat_model_loads_total{model="tiny"} 3',
    'openai_compat_model_load_failures_total{model="tiny"} 2',
    'openai_compat_model_load_seconds_total{model="tiny"} 1.5',
    'openai_compat_model_unloads_total{model="tiny",reason="idle"} 1',
    'openai_compat_model_unloads_total{model="tiny",reason="memory"} 1',
    'openai_compat_model_unloads_total{model="unused",reason="memory"} 0',
    'openai_compat_model_process_losses_total{model="tiny"} 4',
    'openai_compat_model_process_restarts_total{model="tiny"} 3',
    'openai_compat_model_processes{model="tiny"} 2',
    'openai_compat_model_processes{model="unused"} 0',
    'openai_compat_model_process_resident_memory_bytes{model="tiny"} 6000',
    'openai_compat_model_process_resident_memory_bytes{model="unused"} 0',
    'openai_compat_model_available{model="tiny"} 0',
    'openai_compat_model_available{model="unused"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
});

test("no request can make a series of its own", async () => {
  const metrics = createIdleMetrics();
  for (let index = 0; index < 50; index += 1) {
    metrics.recordRequest({ operationId: null, method: `M${index}`, status: 404, durationMs: 1 });
    metrics.recordError(null, "route_not_found");
  }
  const lines = (await metrics.encode()).split("\n");
  expect(lines.filter((line) => line.startsWith("openai_compat_http_requests_total{"))).toEqual([
    'openai_compat_http_requests_total{operation="unrouted",method="other",status="404"} 50',
  ]);
  expect(lines).toContain('openai_compat_errors_total{operation="unrouted",code="route_not_found"} 50');
});

test("two servers in one process count for themselves", async () => {
  const [one, other] = [createIdleMetrics(), createIdleMetrics()];
  one.recordError("listModels", "rate_limited");
  expect(await one.encode()).toContain('openai_compat_errors_total{operation="listModels",code="rate_limited"} 1');
  expect(await other.encode()).not.toContain('code="rate_limited"');
});

test("the processes that decode audio are shown", async () => {
  const lines = (await createIdleMetrics().encode()).split("\n");
  expect(lines).toContain("openai_compat_decoder_processes 2");
  expect(lines).toContain("openai_compat_decoder_process_resident_memory_bytes 15000");
  expect(lines).toContain("openai_compat_decoder_process_starts_total 9");
  expect(lines).toContain("openai_compat_decoder_process_losses_total 2");
});
