/**
 * `bench losses`: 1,000 loads and unloads of a tiny model, every tenth ended by `kill -9`, and what they leave in this process: memory,
 * descriptors, processes. Then how long the next call takes after the process of four streams was killed, beside a first call that
 * loads the model as well. Linux alone tells all of it.
 */

import { mkdtemp, readFile, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { ChatEngine, GenerationRequest, LoadEvent } from "@openai-compat/core";
import { createLlamaEngine } from "@openai-compat/engines";
import { randomModelByteToken, writeRandomModel } from "@openai-compat/engines/testing";
import type { AreaOptions, AreaResult } from "../area.ts";
import { alignColumns, median } from "../measurement.ts";

const LOADS = 1000;
const LOADS_QUICK = 30;
const READINGS = 10;
const KILLED_EVERY = 10;
const RECOVERIES = 20;
const RECOVERIES_QUICK = 3;
const STREAMS = 4;
const TOKENS_BEFORE_KILL = 20;
const MEBIBYTE = 2 ** 20;
const never = new AbortController().signal;

interface Reading {
  readonly loads: number;
  readonly residentMib: number;
  readonly heapMib: number;
  readonly descriptors: number;
  readonly processes: number;
  readonly msPerLoad: number;
}

export async function benchLosses({ isQuick }: AreaOptions): Promise<AreaResult> {
  const directory = await mkdtemp(join(tmpdir(), "openai-compat-bench-"));
  try {
    const modelPath = join(directory, "random.gguf");
    await writeRandomModel(modelPath);
    const readings = await measureLoads(modelPath, isQuick ? LOADS_QUICK : LOADS);
    const recoveries = await measureRecoveries(modelPath, isQuick ? RECOVERIES_QUICK : RECOVERIES);
    return { text: format(readings, recoveries), figures: { readings, recoveries } };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface OpenedEngine {
  readonly engine: ChatEngine;
  readonly pid: () => number;
}

function openEngine(modelPath: string): OpenedEngine {
  let pid = 0;
  const onEvent = (event: LoadEvent) => {
    if (event.type === "process-start") pid = event.pid;
  };
  const loading = { onEvent, retryDelayMs: 1 };
  const engine = createLlamaEngine({ modelPath, contextTokens: 1024, concurrency: STREAMS, loading });
  return { engine, pid: () => pid };
}

async function prepareRequest(engine: ChatEngine, tokensMax: number): Promise<GenerationRequest> {
  // Without the full stop the model never ends by itself.
  const sampling = {
    temperature: 0,
    topP: 1,
    topK: 0,
    minP: 0,
    seed: 1,
    frequencyPenalty: 0,
    presencePenalty: 0,
    repeatPenalty: 1,
    logitBias: { [randomModelByteToken(0x2e)]: -100 },
  };
  const output = { format: { type: "text" }, toolUse: null, reasoningEffort: null } as const;
  const messages = [{ role: "user" as const, content: "hello" }];
  const prompt = await engine.prepare({ messages, options: { sampling, output, topLogprobs: null } }, never);
  const common = {
    leaseId: null,
    shareId: null,
    style: "chat",
    scoresPrompt: false,
    isReproducible: true,
    output,
    topLogprobs: null,
    stop: [],
  } as const;
  return { ...common, prompt: { tokens: prompt.tokens }, tokensMax, sampling };
}

async function generate(engine: ChatEngine, request: GenerationRequest, onToken = (_count: number) => {}) {
  for await (const event of engine.generate(request, never)) {
    if (event.type === "text-delta") onToken(event.completionTokens);
  }
}

async function measureLoads(modelPath: string, loads: number): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  const { engine, pid } = openEngine(modelPath);
  let startedAtMs = performance.now();
  for (let load = 1; load <= loads; load += 1) {
    await generate(engine, await prepareRequest(engine, 2));
    if (load % KILLED_EVERY === 0) process.kill(pid(), "SIGKILL");
    await engine.close();
    if (load % (loads / READINGS) !== 0) continue;
    const msPerLoad = (performance.now() - startedAtMs) / (loads / READINGS);
    const reading = { ...(await readProcess()), loads: load, msPerLoad };
    readings.push(reading);
    console.log(formatReading(reading).join("  "));
    startedAtMs = performance.now();
  }
  return readings;
}

async function readProcess(): Promise<Omit<Reading, "loads" | "msPerLoad">> {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { rss, heapUsed } = process.memoryUsage();
  const children = await readFile(`/proc/self/task/${process.pid}/children`, "utf8");
  return {
    residentMib: rss / MEBIBYTE,
    heapMib: heapUsed / MEBIBYTE,
    descriptors: (await readdir("/proc/self/fd")).length,
    processes: children.split(" ").filter((id) => id !== "").length,
  };
}

interface Recovery {
  /** From the kill to the last of the streams' errors. */
  readonly failedAfterMs: number;
  /** From the errors to the end of the next call, the load of its process included. */
  readonly nextCallMs: number;
  /** A first call, with its load, on an engine that has lost nothing. */
  readonly firstCallMs: number;
}

async function measureRecoveries(modelPath: string, rounds: number): Promise<readonly Recovery[]> {
  const recoveries: Recovery[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const { engine, pid } = openEngine(modelPath);
    const first = await time(async () => generate(engine, await prepareRequest(engine, 2)));
    const request = await prepareRequest(engine, 900);
    const running = Promise.withResolvers<void>();
    let ready = 0;
    const streams = Array.from({ length: STREAMS }, () =>
      generate(engine, request, (count) => {
        if (count !== TOKENS_BEFORE_KILL) return;
        ready += 1;
        if (ready === STREAMS) running.resolve();
      }),
    );
    await Promise.race([running.promise, ...streams]);
    const failedAfterMs = await time(async () => {
      process.kill(pid(), "SIGKILL");
      const ends = await Promise.allSettled(streams);
      if (ends.some(({ status }) => status === "fulfilled")) throw new Error("A stream survived its process.");
    });
    const nextCallMs = await time(async () => generate(engine, await prepareRequest(engine, 2)));
    recoveries.push({ failedAfterMs, nextCallMs, firstCallMs: first });
    await engine.close();
  }
  return recoveries;
}

async function time(run: () => Promise<void>): Promise<number> {
  const startedAtMs = performance.now();
  await run();
  return performance.now() - startedAtMs;
}

function format(readings: readonly Reading[], recoveries: readonly Recovery[]): string {
  const header = ["loads", "resident", "heap", "descriptors", "processes", "a load and unload"];
  const of = (read: (recovery: Recovery) => number) => {
    const values = recoveries.map(read);
    return `median ${Math.round(median(values))} ms, longest ${Math.round(Math.max(...values))} ms`;
  };
  return [
    alignColumns([header, ...readings.map(formatReading)]),
    `${STREAMS} streams get the error of a killed process after: ${of(({ failedAfterMs }) => failedAfterMs)}`,
    `the next call, its load included: ${of(({ nextCallMs }) => nextCallMs)}`,
    `a first call, its load included: ${of(({ firstCallMs }) => firstCallMs)}`,
  ].join("\n");
}

function formatReading({ loads, residentMib, heapMib, descriptors, processes, msPerLoad }: Reading): string[] {
  const memory = [residentMib, heapMib].map((mebibytes) => `${mebibytes.toFixed(1)} MiB`);
  return [String(loads), ...memory, String(descriptors), String(processes), `${Math.round(msPerLoad)} ms`];
}
