/** The operator's routes, as a running server answers them. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as delay } from "node:timers/promises";
import { afterEach, expect, onTestFinished, test, vi } from "vitest";
import { startTestServer } from "../testing/test-server.ts";
import type { TestServerOptions } from "../testing/test-server.ts";
import { createWatchedEngine } from "../testing/watched-engine.ts";
import { createMemoryStores } from "../stores/memory.ts";
import { openSqliteStores } from "../stores/sqlite.ts";

const cleanUps: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0)) await cleanUp();
});

async function start(options: TestServerOptions = {}) {
  const started = await startTestServer(options);
  cleanUps.push(() => started.server.close());
  const get = (path: string, headers: Record<string, string> = {}) =>
    fetch(new URL(path, started.baseUrl), { headers });
  const chat = (body: Record<string, unknown> = {}, signal: AbortSignal | null = null) =>
    fetch(`${started.baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${started.keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({ model: "default", messages: [{ role: "user", content: "Hello" }], ...body }),
      signal,
    });
  const readMetrics = async () => (await get("/metrics")).text();
  return { ...started, get, chat, readMetrics };
}

test("health and readiness need no credential", async () => {
  const { get } = await start();
  expect(await (await get("/healthz")).json()).toEqual({ status: "ok" });
  const ready = await get("/readyz");
  expect([ready.status, await ready.json()]).toEqual([200, { status: "ready" }]);
});

test("a store that hangs makes the server not ready within the time, and health does not mind", async () => {
  const stores = createMemoryStores();
  const hanging = { ...stores, credits: { ...stores.credits, readBalance: () => new Promise<never>(() => {}) } };
  const { get } = await start({ stores: hanging, config: { operations: { readinessTimeoutMs: 50 } } });
  const ready = await get("/readyz");
  expect([ready.status, await ready.json()]).toEqual([503, { status: "not_ready", not_ready: ["credits"] }]);
  expect((await get("/healthz")).status).toBe(200);
});

test("a server whose store is locked by another process is not ready until it can write again", async () => {
  const directory = mkdtempSync(join(tmpdir(), "openai-compat-ready-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, "keys.sqlite");
  const stores = openSqliteStores(path);
  onTestFinished(() => stores.close());
  const { get } = await start({ stores, config: { operations: { readinessTimeoutMs: 200, writeProbeIntervalMs: 1 } } });
  expect((await get("/readyz")).status).toBe(200);
  const other = new DatabaseSync(path);
  onTestFinished(() => other.close());
  other.exec("BEGIN IMMEDIATE");
  await delay(2);
  const ready = await get("/readyz");
  expect([ready.status, await ready.json()]).toEqual([503, { status: "not_ready", not_ready: ["writes"] }]);
  other.exec("COMMIT");
  await vi.waitFor(async () => expect((await get("/readyz")).status).toBe(200), { timeout: 10_000 });
});

test("a server without models is not ready", async () => {
  const { get } = await start({ models: [] });
  expect(await (await get("/readyz")).json()).toEqual({ status: "not_ready", not_ready: ["models"] });
});

test("health answers while every slot is taken", async () => {
  const engine = createWatchedEngine();
  const queue = { waitingMax: 4, waitTimeMsMax: 20_000, accountSlotsMax: 2 };
  const { get, chat, readMetrics } = await start({ engine, models: [{ isDefault: true, queue }] });
  const disconnect = new AbortController();
  const streams = await Promise.all([1, 2].map(() => chat({ stream: true }, disconnect.signal)));
  const waiting = chat({ stream: true }, disconnect.signal);
  await vi.waitFor(async () => expect(await readMetrics()).toContain('queue_waiting{model="scripted"} 1\n'));
  expect(await readMetrics()).toContain('queue_running{model="scripted"} 2\n');
  expect((await get("/healthz")).status).toBe(200);
  expect((await get("/readyz")).status).toBe(200);
  disconnect.abort();
  await Promise.allSettled([waiting, ...streams.map((stream) => stream.text())]);
});

test("a chat is counted with its operation, its tokens and its time", async () => {
  const { chat, readMetrics, get } = await start();
  const { usage } = JSON.parse(await (await chat()).text());
  await get("/v1/models");
  await get("/nowhere");
  const text = await vi.waitFor(async () => {
    const metrics = await readMetrics();
    expect(metrics).toContain('http_requests_total{operation="unrouted",method="GET",status="404"} 1');
    return metrics;
  });
  for (const line of [
    'openai_compat_http_requests_total{operation="createChatCompletion",method="POST",status="200"} 1',
    'openai_compat_http_requests_total{operation="listModels",method="GET",status="401"} 1',
    'openai_compat_errors_total{operation="listModels",code="missing_credentials"} 1',
    'openai_compat_calls_total{operation="createChatCompletion",model="scripted",outcome="completed"} 1',
    `openai_compat_tokens_total{model="scripted",kind="prompt"} ${usage.prompt_tokens}`,
    `openai_compat_tokens_total{model="scripted",kind="completion"} ${usage.completion_tokens}`,
    'openai_compat_time_to_first_token_seconds_count{model="scripted"} 1',
  ]) {
    expect(text).toContain(`${line}\n`);
  }
  expect(text).not.toContain("nowhere");
});

test("a refused rate limit is counted", async () => {
  const { chat, readMetrics } = await start({ config: { rateLimits: { requestsPerMinute: 1 } } });
  await (await chat()).text();
  expect((await chat()).status).toBe(429);
  expect(await readMetrics()).toContain(
    'openai_compat_errors_total{operation="createChatCompletion",code="rate_limited"} 1\n',
  );
});

test("metrics are refused to a proxy's callers, and with a token to requests without it", async () => {
  const open = await start();
  expect((await open.get("/metrics", { "x-forwarded-for": "203.0.113.9" })).status).toBe(403);
  const closed = await start({ config: { operations: { metricsToken: "a-token-for-metrics" } } });
  expect((await closed.get("/metrics")).status).toBe(401);
  expect((await closed.get("/metrics", { authorization: `Bearer ${closed.keys.key}` })).status).toBe(401);
  expect((await closed.get("/metrics", { authorization: "Bearer a-token-for-metrics" })).status).toBe(200);
});
