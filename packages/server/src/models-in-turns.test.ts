/** Two real models behind one server whose memory has room for one. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MODEL_PROCESS_BYTES, estimateLocalBytes } from "@openai-compat/engines";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { configSchema } from "./config.ts";
import type { ConfigInput } from "./config.ts";
import { resolveModels } from "./resolve-models.ts";
import { createLogger } from "./operations/logger.ts";
import { readSseData, startTestServer } from "./testing/test-server.ts";

const folder = mkdtempSync(join(tmpdir(), "openai-compat-turns-"));
afterAll(() => rmSync(folder, { recursive: true }));
const model = join(folder, "secret-name.gguf");
await writeRandomModel(model);
const engine = { kind: "llama" as const, model, contextTokens: 1024, concurrency: 2 };
const estimated = await estimateLocalBytes({
  type: "chat",
  settings: { modelPath: model, contextTokens: 1024, concurrency: 2 },
});
const bytesOfOne = estimated + MODEL_PROCESS_BYTES;

async function start(memory: ConfigInput["memory"] = {}) {
  const input: ConfigInput = {
    memory: { modelBytesMax: Math.floor(bytesOfOne * 1.5), graceMs: 20, ...memory },
    models: [
      { id: "one", engine, default: true },
      { id: "two", engine },
    ],
  };
  const loadLines: string[] = [];
  const logger = createLogger({ level: "info", write: (line) => void loadLines.push(line) });
  const { models, loads } = await resolveModels({
    config: configSchema.parse(input),
    logger,
    signal: new AbortController().signal,
    nowMs: 5,
  });
  const { server, baseUrl, keys } = await startTestServer({ models, loads, config: input });
  onTestFinished(() => server.close());
  const chat = (id: string, body: Record<string, unknown> = {}) =>
    fetch(`${baseUrl}/chat/completions`, {
      method: "POST",
      headers: { authorization: `Bearer ${keys.key}`, "content-type": "application/json" },
      body: JSON.stringify({
        model: id,
        messages: [{ role: "user", content: "hello" }],
        temperature: 0,
        max_tokens: 4,
        // Without the full stop the model never ends by itself.
        logit_bias: { [randomModelByteToken(0x2e)]: -100 },
        ...body,
      }),
    });
  const readMetric = async (name: string) => {
    const text = await (await fetch(new URL("/metrics", baseUrl))).text();
    return text.split("\n").filter((line) => line.startsWith(`openai_compat_${name}{`));
  };
  return { baseUrl, chat, readMetric, loads, loadLines };
}

test("both are served in turn, one in memory at a time, and metrics and log say so", async () => {
  const { chat, readMetric, loadLines } = await start();
  for (const id of ["one", "two", "one"]) {
    const response = await chat(id);
    expect(await response.json()).toMatchObject({ model: id, usage: { completion_tokens: 4 } });
    expect(await readMetric("model_loaded")).toEqual(
      ["one", "two"].map((each) => `openai_compat_model_loaded{model="${each}"} ${each === id ? 1 : 0}`),
    );
  }
  expect(await readMetric("model_loads_total")).toEqual([
    'openai_compat_model_loads_total{model="one"} 2',
    'openai_compat_model_loads_total{model="two"} 1',
  ]);
  expect(await readMetric("model_unloads_total")).toContain(
    'openai_compat_model_unloads_total{model="two",reason="memory"} 1',
  );
  const events = loadLines.map((line) => JSON.parse(line)).map(({ message, model: id }) => `${message}: ${id}`);
  expect(events.slice(0, 3)).toEqual(["model loaded: one", "model unloaded: one", "model loaded: two"]);
  expect(loadLines.join("")).not.toContain("secret-name");
});

test("a stream that runs is never cut for the other model", async () => {
  const { chat, loads } = await start();
  const streamed = await chat("one", { stream: true, max_tokens: 300, stream_options: { include_usage: true } });
  const other = chat("two");
  const events = await readSseData(streamed);
  expect(events.at(-1)).toBe("[DONE]");
  expect(JSON.parse(events.at(-2) ?? "")).toMatchObject({ usage: { completion_tokens: 300 } });
  expect((await other).status).toBe(200);
  expect(loads().map(({ loads: count }) => count)).toEqual([1, 1]);
});

test("20 first calls of one model load it once", async () => {
  const { chat, loads } = await start();
  const answers = await Promise.all(Array.from({ length: 20 }, () => chat("one")));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect(loads().map(({ loads: count }) => count)).toEqual([1, 0]);
});

test("a call that gets no memory in time gets 503 and a retry time", async () => {
  const { chat } = await start({ waitTimeMsMax: 50 });
  const streamed = await chat("one", { stream: true, max_tokens: 900 });
  const refused = await chat("two");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).toBe("5");
  expect(refused.headers.get("x-should-retry")).toBeNull();
  expect(await refused.json()).toMatchObject({ error: { code: "server_overloaded" } });
  await streamed.body?.cancel();
});

test("a model that has no room even alone is refused with the setting's name", async () => {
  const { chat } = await start({ modelBytesMax: bytesOfOne - 1 });
  const refused = await chat("one");
  expect(refused.status).toBe(503);
  expect(refused.headers.get("x-should-retry")).toBe("false");
  expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining("memory.modelBytesMax") } });
});

test("a readiness check loads nothing, and an idle model is unloaded", async () => {
  const { baseUrl, chat, loads } = await start({ idleUnloadMs: 30 });
  expect((await fetch(new URL("/readyz", baseUrl))).status).toBe(200);
  expect(loads().map(({ loads: count }) => count)).toEqual([0, 0]);
  await (await chat("one")).json();
  await expect.poll(() => loads()[0]).toMatchObject({ loaded: 0, unloads: { idle: 1 } });
});
