/** Model files that are damaged, cut while they are used, or too large for their process: a clear error, and the server goes on. */

import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AiError } from "@openai-compat/core";
import type { ChatEngine, LoadEvent } from "@openai-compat/core";
import { GREEDY, PLAIN, collectGeneration, prepareChat } from "@openai-compat/core/engine-contract";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import type { LoadingSettings } from "../residency/model-resource.ts";
import { createLlamaEmbeddingEngine } from "./llama-embedding-engine.ts";
import { createLlamaEngine } from "./llama-engine.ts";
import { estimateChatBytes, estimateEmbeddingBytes } from "./memory-estimate.ts";
import { writeRandomModel } from "./testing/random-gguf.ts";

const never = new AbortController().signal;
const folder = await mkdtemp(join(tmpdir(), "damaged-models-"));
afterAll(() => rm(folder, { recursive: true }));
const wholePath = join(folder, "whole.gguf");
await writeRandomModel(wholePath);
const whole = await readFile(wholePath);
/** The tensors' names and types end the head. */
const headBytes = whole.indexOf("ffn_down.weight", whole.indexOf("blk.1.ffn_up")) + 64;

async function write(name: string, bytes: Buffer): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, bytes);
  return path;
}

function open(modelPath: string, loading: LoadingSettings = {}): ChatEngine {
  const settings = { modelPath, contextTokens: 256, concurrency: 1 };
  const engine = createLlamaEngine({ ...settings, loading: { retryDelayMs: 20, ...loading } });
  onTestFinished(() => engine.close());
  return engine;
}

async function answer(engine: ChatEngine): Promise<"answered"> {
  const prompt = await prepareChat(engine, [{ role: "user", content: "hello" }]);
  const request = { ...PLAIN, prompt, sampling: GREEDY, tokensMax: 4, stop: [] };
  expect((await collectGeneration(engine.generate(request, never))).completionTokens).toBeGreaterThan(0);
  return "answered";
}

/** What a damaged model may answer with: an operator's error, or one of the template or the text in it. */
async function findOutcome(engine: ChatEngine): Promise<string> {
  try {
    return await answer(engine);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(AiError);
    return thrown instanceof AiError ? thrown.code : "";
  }
}

/** A linear congruential generator: a failure can be tried again. */
function createRandom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

function flip(seed: number, count: number): Buffer {
  const random = createRandom(seed);
  const bytes = Buffer.from(whole);
  for (let flipped = 0; flipped < count; flipped += 1) {
    const at = random(headBytes);
    bytes.writeUInt8(bytes.readUInt8(at) ^ (1 + random(255)), at);
  }
  return bytes;
}

test("of a damaged head, the server itself reads a size that can be reserved, or that it is damaged, at once", async () => {
  const refusals = new Set<string>();
  for (let seed = 0; seed < 400; seed += 1) {
    const modelPath = await write("flipped.gguf", flip(seed, 1 + (seed % 40)));
    for (const estimate of [estimateChatBytes, estimateEmbeddingBytes]) {
      const bytes = await estimate({ modelPath }).catch((thrown: unknown) => {
        expect(thrown).toMatchObject({ code: "engine_unavailable" });
        refusals.add(String(thrown));
        return 1;
      });
      expect(Number.isFinite(bytes) && bytes > 0, `seed ${seed}: ${bytes}`).toBe(true);
    }
  }
  expect([...refusals]).toEqual([expect.stringContaining("its head is longer than the file")]);
});

test.each([2, 3, 4])("a model with flipped bytes in its head is served or refused: %i", async (seed) => {
  const engine = open(await write(`flipped-${seed}.gguf`, flip(seed, seed === 3 ? 2 : 40)));
  expect(await findOutcome(engine)).toMatch(/^(?:answered|engine_unavailable|engine_failed)$/);
});

test("a head that is longer than its file is refused before a process is started for it", async () => {
  const bytes = Buffer.from(whole);
  // The library's reader takes as much memory as a length says.
  bytes.writeBigUInt64LE(6_000_000_000n, bytes.indexOf("tokenizer.ggml.tokens") + "tokenizer.ggml.tokens".length + 8);
  const modelPath = await write("long.gguf", bytes);
  const loading = { retryDelayMs: 20, onEvent: ({ type }: LoadEvent) => expect(type).toBe("load-failed") };
  const refused = {
    code: "engine_unavailable",
    message: expect.stringContaining("its head is longer than the file"),
    retryAfterMs: expect.any(Number),
  };
  await expect(answer(open(modelPath, loading))).rejects.toMatchObject(refused);
  const embedding = createLlamaEmbeddingEngine({ modelPath, loading });
  await expect(embedding.prepare(["sea"], never)).rejects.toMatchObject(refused);
});

test("a model file that is cut while it is used costs its own calls at most, and serves when it is whole again", async () => {
  const modelPath = await write("cut.gguf", whole);
  const engine = open(modelPath);
  await answer(engine);
  await truncate(modelPath, 4096);
  expect(await findOutcome(engine)).toMatch(/^(?:answered|engine_failed|engine_unavailable)$/);
  await writeFile(modelPath, whole);
  await vi.waitFor(() => answer(engine), { timeout: 60_000, interval: 100 });
});

const canLimit = process.platform === "linux" && spawnSync("prlimit", ["--version"]).status === 0;
if (!canLimit) console.warn("A memory limit of the process is not tested: there is no prlimit on this machine.");

test.runIf(canLimit)(
  "a process whose memory is limited fails its load, and a process without the limit serves",
  async () => {
    let limit: string | null = "--as=1000000000";
    const reasons: unknown[] = [];
    const engine = open(wholePath, {
      onEvent(event) {
        if (event.type === "load-failed") reasons.push(event.thrown);
        if (event.type !== "process-start" || limit === null) return;
        spawnSync("prlimit", [limit, "--pid", String(event.pid)]);
      },
    });
    await expect(answer(engine)).rejects.toMatchObject({
      code: "engine_unavailable",
      message: expect.stringContaining("its process ended"),
    });
    expect(reasons).toMatchObject([{ cause: { message: expect.stringContaining("has ended") } }]);
    limit = null;
    await vi.waitFor(() => answer(engine), { timeout: 60_000, interval: 100 });
  },
);
