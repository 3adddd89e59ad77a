/** Real models, written by the test, that share a memory with room for one. */

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FREE_TEXT } from "@openai-compat/core";
import type { ChatEngine, GenerationRequest } from "@openai-compat/core";
import { GREEDY, PLAIN, collectGeneration } from "@openai-compat/core/engine-contract";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { encodeGguf } from "../models/convert/gguf-writer.ts";
import type { GgufValue } from "../models/convert/gguf-writer.ts";
import { createModelMemory } from "../residency/model-memory.ts";
import type { LoadingSettings } from "../residency/model-resource.ts";
import { createLlamaEngine } from "./llama-engine.ts";
import { estimateChatBytes, estimateEmbeddingBytes } from "./memory-estimate.ts";
import { randomModelByteToken, writeRandomModel } from "./testing/random-gguf.ts";

const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "llama-memory-"));
afterAll(() => rm(folder, { recursive: true }));
const modelPath = join(folder, "random.gguf");
await writeRandomModel(modelPath);

const SETTINGS = { modelPath, contextTokens: 1024, concurrency: 2 };
const bytesOfOne = await estimateChatBytes(SETTINGS);

/** Two engines, room for one, and what became of them. */
function openTwo({ graceMs = 20, ...loading }: LoadingSettings & { readonly graceMs?: number } = {}) {
  const memory = createModelMemory({ bytesMax: Math.floor(bytesOfOne * 1.5), graceMs });
  const log: string[] = [];
  const loaded = new Set<string>();
  let loadedMax = 0;
  const open = (name: string): ChatEngine => {
    const engine = createLlamaEngine({
      ...SETTINGS,
      loading: {
        memory,
        onEvent(event) {
          log.push(event.type === "unload" ? `${name} unloaded for ${event.reason}` : `${name} ${event.type}`);
          if (event.type === "load-end") loaded.add(name);
          if (event.type === "unload") loaded.delete(name);
          loadedMax = Math.max(loadedMax, loaded.size);
        },
        ...loading,
      },
    });
    onTestFinished(() => engine.close());
    return engine;
  };
  return { a: open("a"), b: open("b"), memory, log, maximum: () => loadedMax };
}

async function requestOf(engine: ChatEngine, tokensMax: number): Promise<GenerationRequest> {
  const prompt = await engine.prepare([{ role: "user", content: "hello" }], FREE_TEXT, never);
  // Without the full stop the model never ends by itself.
  const sampling = { ...GREEDY, logitBias: { [randomModelByteToken(0x2e)]: -100 } };
  return { ...PLAIN, prompt, sampling, tokensMax, stop: [] };
}

async function answer(engine: ChatEngine, tokensMax = 4): Promise<number> {
  const request = await requestOf(engine, tokensMax);
  return (await collectGeneration(engine.generate(request, never))).completionTokens;
}

test("two models take turns where one has room, and never are both loaded", async () => {
  const { a, b, memory, log, maximum } = openTwo();
  for (const engine of [a, b, a, b]) expect(await answer(engine)).toBe(4);
  expect(maximum()).toBe(1);
  expect(log).toEqual([
    "a load-end",
    "a unloaded for memory",
    "b load-end",
    "b unloaded for memory",
    "a load-end",
    "a unloaded for memory",
    "b load-end",
  ]);
  await b.close();
  expect(memory.bytesTaken).toBe(0);
});

test("a running stream is never cut: who needs its memory waits for its end", async () => {
  const { a, b, log } = openTwo();
  const order: string[] = [];
  const request = await requestOf(a, 300);
  const stream = collectGeneration(a.generate(request, never)).then((done) => {
    order.push("a answered");
    return done;
  });
  const other = answer(b).then(() => order.push("b answered"));
  expect(await stream).toMatchObject({ completionTokens: 300, finishReason: "length" });
  await other;
  expect(order).toEqual(["a answered", "b answered"]);
  expect(log).toEqual(["a load-end", "a unloaded for memory", "b load-end"]);
});

test("many first calls of both load each model once", async () => {
  const { a, b, log } = openTwo();
  const prepare = (engine: ChatEngine) => Promise.all(Array.from({ length: 20 }, () => requestOf(engine, 1)));
  await Promise.all([prepare(a), prepare(b)]);
  expect(log.filter((line) => line.endsWith("load-end"))).toEqual(["a load-end", "b load-end"]);
});

test("calls of both at once are all answered, however few fit", async () => {
  const { a, b, maximum } = openTwo();
  const answers = await Promise.all([a, b, a, b, a, b, b, a].map((engine) => answer(engine)));
  expect(answers).toEqual(Array.from({ length: 8 }, () => 4));
  expect(maximum()).toBe(1);
});

test("a call that takes its model in several steps keeps it, although another model waits", async () => {
  const countLoads = async (graceMs: number) => {
    const { a, b, log } = openTwo({ graceMs });
    expect(await Promise.all([answer(a), answer(b)])).toEqual([4, 4]);
    return log.filter((line) => line.endsWith("load-end")).length;
  };
  expect(await countLoads(20)).toBe(2);
  expect(await countLoads(0)).toBeGreaterThan(2);
});

test("who waits too long for room is told to come again", async () => {
  const { a, b } = openTwo({ waitTimeMsMax: 60 });
  const request = await requestOf(a, 900);
  const controller = new AbortController();
  const stream = a.generate(request, controller.signal)[Symbol.asyncIterator]();
  await stream.next();
  await expect(answer(b)).rejects.toMatchObject({ code: "queue_timeout", retryAfterMs: 5000 });
  await stream.return?.();
  expect(await answer(b)).toBe(4);
});

test("a model that is held stays for all generations of a call, however long another one waits", async () => {
  const { a, b, log } = openTwo();
  const request = await requestOf(a, 4);
  const held = await a.hold?.(never);
  if (held === undefined) throw new Error("The engine holds nothing.");
  const waiting = answer(b);
  for (let generation = 0; generation < 3; generation += 1) {
    await new Promise((resolve) => setTimeout(resolve, 30));
    expect((await collectGeneration(held.generate(request, never))).completionTokens).toBe(4);
  }
  expect(log).toEqual(["a load-end"]);
  held.release();
  expect(await waiting).toBe(4);
  expect(log).toEqual(["a load-end", "a unloaded for memory", "b load-end"]);
});

test("a model that has no room even alone is refused, and the setting is named", async () => {
  const memory = createModelMemory({ bytesMax: bytesOfOne - 1 });
  const engine = createLlamaEngine({ ...SETTINGS, loading: { memory } });
  const refused = expect(requestOf(engine, 1)).rejects;
  await refused.toMatchObject({ code: "engine_unavailable", message: expect.stringContaining("memory.modelBytesMax") });
});

test("an idle model is unloaded by itself", async () => {
  const { a, memory, log } = openTwo({ idleUnloadMs: 30 });
  await answer(a);
  await expect.poll(() => log).toEqual(["a load-end", "a unloaded for idle"]);
  expect(memory.bytesTaken).toBe(0);
  expect(await answer(a)).toBe(4);
});

test("a failed load says when it is tried again, later each time", async () => {
  const engine = createLlamaEngine({ modelPath: join(folder, "missing.gguf"), loading: { retryDelayMs: 20 } });
  const waits: unknown[] = [];
  for (const _attempt of [1, 2]) {
    const thrown: unknown = await requestOf(engine, 1).catch((error: unknown) => error);
    expect(thrown).toMatchObject({ code: "engine_unavailable", message: expect.stringContaining("does not exist") });
    const { retryAfterMs } = Object(thrown);
    waits.push(Math.round(Number(retryAfterMs) / 20));
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  expect(waits).toEqual([1, 2]);
});

test("more sequences, longer contexts and more inputs at once need more memory", async () => {
  const { size } = await stat(modelPath);
  expect(bytesOfOne).toBeGreaterThan(size);
  expect(await estimateChatBytes({ ...SETTINGS, concurrency: 4 })).toBeGreaterThan(bytesOfOne);
  const longer = await estimateChatBytes({ ...SETTINGS, contextTokens: 2048 });
  // 2 layers, 64 numbers of a key and of a value, 16 bits each, for 1,024 more tokens of 2 sequences, and the mask.
  expect(longer - bytesOfOne).toBe(2 * (64 + 64) * 2 * 1024 * 2 + 1024 * 1024 * 6);
  // No longer than what the model was trained for.
  const [trained, beyond] = [4096, 100_000].map((contextTokens) => estimateChatBytes({ ...SETTINGS, contextTokens }));
  expect(await beyond).toBe(await trained);
  const [one, two] = [1, 2].map((threads) => estimateEmbeddingBytes({ modelPath, threads }));
  expect(await two).toBeGreaterThan((await one) ?? Number.NaN);
});

test("each token of the vocabulary has its texts, a probability in each sequence, and one in each row that is scored", async () => {
  const estimate = async (vocabularySize: number): Promise<number> => {
    const file = join(folder, `vocabulary-${vocabularySize}.gguf`);
    const tokens = Array.from({ length: vocabularySize }, () => "a");
    const metadata: [string, GgufValue][] = [["tokenizer.ggml.tokens", { type: "strings", value: tokens }]];
    await writeFile(file, encodeGguf({ metadata, tensors: [] }));
    return (await estimateChatBytes({ modelPath: file, concurrency: 3 })) - (await stat(file)).size;
  };
  expect((await estimate(3000)) - (await estimate(2000))).toBe(1000 * (1536 + 3 * 2 * 4 + 128 * 4));
});

test("a file whose head can't be read counts double", async () => {
  const file = join(folder, "odd.gguf");
  await writeFile(file, Buffer.alloc(1_000_000));
  const fixed = 32 * 1024 * 1024;
  expect(await estimateChatBytes({ modelPath: file })).toBe(2_000_000 + fixed);
});
