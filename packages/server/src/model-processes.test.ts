/** What an operator sees of the processes of local models, and what the settings say of them: with real processes. */

import { mkdtempSync, rmSync, statSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { createLogger } from "./operations/logger.ts";
import { resolveModels } from "./resolve-models.ts";
import { startTestServer } from "./testing/test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "openai-compat-processes-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "random.gguf");
await writeRandomModel(model);

async function start(settings: ConfigInput = {}) {
  const engine = { kind: "llama" as const, model, contextTokens: 1024, concurrency: 2 };
  const input: ConfigInput = { models: [{ id: "tiny", engine }], ...settings };
  const lines: string[] = [];
  const { models, loads } = await resolveModels({
    config: configSchema.parse(input),
    logger: createLogger({ level: "debug", write: (line) => void lines.push(line) }),
    signal: new AbortController().signal,
    nowMs: 5,
  });
  const { server, baseUrl, keys } = await startTestServer({ models, loads, config: input });
  const stop = vi.fn(() => server.close());
  onTestFinished(() => (stop.mock.calls.length === 0 ? stop().catch(() => {}) : undefined));
  const chat = (body: Record<string, unknown> = {}) =>
    fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: "tiny",
        messages: [{ role: "user", content: "hello" }],
        temperature: 0,
        max_tokens: 4,
        // Without the full stop the model never ends by itself.
        logit_bias: { [randomModelByteToken(0x2e)]: -100 },
        ...body,
      }),
    });
  const readPid = () => loads()[0]?.processes[0]?.pid ?? Number.NaN;
  return {
    chat,
    readPid,
    reading: () => loads()[0],
    stop,
    async readReadiness(headers: Record<string, string> = {}) {
      const response = await fetch(new URL("/readyz", baseUrl), { headers });
      return { status: response.status, body: await response.json() };
    },
    readMetrics: async () => (await fetch(new URL("/metrics", baseUrl))).text(),
    readLog: () => lines.map((line): Record<string, unknown> => JSON.parse(line)),
    /** A stream that runs, its process stopped in the middle. */
    async openStopped() {
      const { body } = await chat({ stream: true, max_tokens: 900 });
      const reader = body?.getReader();
      await reader?.read();
      process.kill(readPid(), "SIGSTOP");
      return reader;
    },
  };
}

type Started = Awaited<ReturnType<typeof start>>;

/** Kills the process in the middle of a stream. */
async function loseProcess({ openStopped, readPid, reading }: Started): Promise<void> {
  const { losses = 0 } = reading() ?? {};
  const reader = await openStopped();
  process.kill(readPid(), "SIGKILL");
  await vi.waitUntil(() => reading()?.losses === losses + 1, { timeout: 20_000 });
  await reader?.cancel();
}

test("a process that was lost is seen in log, metrics and readiness, and is replaced by the next call's", async () => {
  const { chat, readPid, reading, readMetrics, readReadiness, readLog } = await start();
  expect((await readReadiness()).body).toMatchObject({ local_models: [{ model: "tiny", processes: [] }] });
  expect((await chat()).status).toBe(200);
  const first = readPid();
  await vi.waitUntil(() => (reading()?.processes[0]?.rssBytes ?? 0) > 0, { timeout: 20_000 });
  expect(readLog()).toContainEqual(
    expect.objectContaining({ message: "model loaded", model: "tiny", pid: first, durationMs: expect.any(Number) }),
  );
  process.kill(first, "SIGKILL");
  await vi.waitUntil(() => reading()?.losses === 1, { timeout: 20_000 });
  expect(await readMetrics()).toContain('openai_compat_model_processes{model="tiny"} 0\n');
  expect(readLog()).toContainEqual(
    expect.objectContaining({
      level: "error",
      message: "process of a model lost",
      pid: first,
      reason: expect.stringContaining("SIGKILL"),
      retryAfterMs: 0,
    }),
  );
  expect((await chat()).status).toBe(200);
  const second = readPid();
  expect(await readReadiness()).toEqual({
    status: 200,
    body: {
      status: "ready",
      local_models: [
        {
          model: "tiny",
          processes: [{ pid: second, resident_bytes: expect.any(Number) }],
          losses: 1,
          restarts: 1,
          retry_after_ms: 0,
          last_problem: expect.stringContaining("SIGKILL"),
        },
      ],
    },
  });
  const metrics = await readMetrics();
  expect(metrics).toContain('openai_compat_model_process_losses_total{model="tiny"} 1\n');
  expect(metrics).toContain('openai_compat_model_process_restarts_total{model="tiny"} 1\n');
  expect(metrics).toMatch(/openai_compat_model_process_resident_memory_bytes\{model="tiny"\} \d{8,}\n/);
});

test("a server whose default model is lost again and again is not ready until it is tried again", async () => {
  const started = await start({ memory: { loadRetryDelayMs: 4000, loadRetryDelayMsMax: 4000 } });
  await loseProcess(started);
  expect((await started.readReadiness()).status).toBe(200);
  await loseProcess(started);
  expect(await started.readReadiness()).toMatchObject({ status: 503, body: { not_ready: ["models"] } });
  expect(await started.readMetrics()).toContain('openai_compat_model_available{model="tiny"} 0\n');
  const refused = await started.chat();
  expect(refused.status).toBe(503);
  await vi.waitUntil(async () => (await started.readReadiness()).status === 200, { timeout: 20_000, interval: 200 });
  expect((await started.chat()).status).toBe(200);
}, 60_000);

test("only who may read the metrics sees the processes", async () => {
  const open = await start();
  expect((await open.readReadiness({ "x-forwarded-for": "203.0.113.9" })).body).toEqual({ status: "ready" });
  const closed = await start({ operations: { metricsToken: "a-token-for-metrics" } });
  expect((await closed.readReadiness()).body).toEqual({ status: "ready" });
  expect((await closed.readReadiness({ authorization: "Bearer another-token-for-it" })).body).toEqual({
    status: "ready",
  });
  expect((await closed.readReadiness({ authorization: "Bearer a-token-for-metrics" })).body).toHaveProperty(
    "local_models",
  );
});

test("processes.loadTimeMsMax ends a load", async () => {
  const { chat, reading, readLog } = await start({ processes: { loadTimeMsMax: 1 } });
  expect((await chat()).status).toBe(503);
  const cause = expect.stringContaining("did not load the model within 1 ms");
  expect(reading()).toMatchObject({ failures: 1, lastProblem: cause, processes: [] });
  expect(readLog()).toContainEqual(expect.objectContaining({ level: "warn", message: "model can't be loaded", cause }));
});

test("processes.abortTimeMsMax ends a process that goes on with an aborted call", async () => {
  const { openStopped, reading } = await start({ processes: { abortTimeMsMax: 100 } });
  const reader = await openStopped();
  await reader?.cancel();
  const lastProblem = expect.stringContaining("aborted call for 100 ms");
  await vi.waitFor(() => expect(reading()).toMatchObject({ losses: 1, lastProblem }), { timeout: 20_000 });
});

test("processes.answerTimeMsMax ends a process that gives no sign of life", async () => {
  const { openStopped, reading } = await start({ processes: { answerTimeMsMax: 5000 } });
  const reader = await openStopped();
  const lastProblem = expect.stringContaining("did not answer for 5000 ms");
  await vi.waitFor(() => expect(reading()).toMatchObject({ losses: 1, lastProblem }), { timeout: 25_000 });
  await reader?.cancel();
}, 40_000);

test("processes.exitTimeMsMax ends a process that does not exit", async () => {
  const { chat, readPid, readLog, stop } = await start({ processes: { exitTimeMsMax: 100 } });
  expect((await chat()).status).toBe(200);
  process.kill(readPid(), "SIGSTOP");
  await stop().catch(() => {});
  expect(readLog()).toContainEqual(
    expect.objectContaining({
      level: "error",
      message: "model can't be unloaded",
      cause: expect.stringContaining("did not exit within 100 ms"),
    }),
  );
});

test("processes.logLinesPerMinute bounds what a model's library logs, however often it is loaded", async () => {
  const damaged = join(folder, "damaged.gguf");
  await writeRandomModel(damaged);
  const { chat, reading, readLog } = await start({
    models: [{ id: "tiny", engine: { kind: "llama", model: damaged } }],
    memory: { loadRetryDelayMs: 1, loadRetryDelayMsMax: 1 },
    processes: { logLinesPerMinute: 1 },
  });
  truncateSync(damaged, Math.floor(statSync(damaged).size / 2));
  for (const failures of [1, 2, 3]) {
    await vi.waitUntil(() => reading()?.retryAfterMs === 0);
    expect((await chat()).status).toBe(503);
    expect(reading()).toMatchObject({ failures, lastProblem: expect.stringContaining("corrupted or incomplete") });
  }
  const lines = readLog().filter(({ message }) => message === "native library");
  expect(lines.map(({ level, line }) => [level, line])).toEqual([
    ["warn", expect.stringContaining("llama")],
    ["warn", expect.stringContaining("1 in a minute")],
  ]);
});
