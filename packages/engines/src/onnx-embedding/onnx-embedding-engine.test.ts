import { readFile } from "node:fs/promises";
import path from "node:path";
import { cosine, embedAll, embeddingEngineContract } from "@openai-compat/core/embedding-engine-contract";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { convertBertToSafetensors } from "../models/convert/bert-to-safetensors.ts";
import { findCachedModel } from "../models/pull.ts";
import { TINY_BERT, writeTinyBert } from "../models/testing/build-bert.ts";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import { createOnnxEmbeddingEngine } from "./onnx-embedding-engine.ts";
import type { OnnxEmbeddingSettings } from "./onnx-embedding-settings.ts";

const directory = await makeTemporaryDirectory();
afterAll(() => directory[Symbol.asyncDispose]());
const modelPath = path.join(directory.path, "tiny.safetensors.int8");
await convertBertToSafetensors({
  ...(await writeTinyBert(directory.path)),
  targetPath: modelPath,
  parameters: { name: "tiny", headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 },
});
const never = new AbortController().signal;

function open(settings: Partial<OnnxEmbeddingSettings> = {}) {
  const engine = createOnnxEmbeddingEngine({ modelPath, ...settings });
  onTestFinished(() => engine.close());
  return engine;
}

/** The largest difference of a number of the vectors. */
function distance(first: Float32Array | undefined, second: Float32Array | undefined): number {
  if (first === undefined || second === undefined) return Number.NaN;
  return first.reduce((max, value, index) => Math.max(max, Math.abs(value - (second[index] ?? Number.NaN))), 0);
}

embeddingEngineContract("onnx embedding", { createEngine: () => createOnnxEmbeddingEngine({ modelPath }) });

test("an input as long as the model allows is read, also where it exceeds a batch", async () => {
  const engine = open({ batchTokens: 8 });
  const { inputs: letters, contextTokens } = await engine.prepare(["a"], never);
  const letter = letters[0]?.tokens[1] ?? Number.NaN;
  expect(contextTokens).toBe(TINY_BERT.positions);
  const longest = Array.from({ length: TINY_BERT.positions - 2 }, () => letter);
  const { inputs } = await engine.prepare([longest], never);
  expect(inputs[0]?.tokens).toHaveLength(TINY_BERT.positions);
  expect(await embedAll(engine, [longest, "sea"])).toHaveLength(2);
});

test("a smaller context than the model's is said", async () => {
  expect(await open({ contextTokens: 8 }).prepare(["sea"], never)).toMatchObject({ contextTokens: 8 });
});

test("a text's vector does not depend on the texts that it is computed with", async () => {
  const engine = open();
  const texts = Array.from({ length: 24 }, (_, index) => "sea rain text x1 ".repeat(1 + (index % 6)));
  const together = await embedAll(engine, texts);
  const calls = await Promise.all(texts.map((text) => embedAll(engine, [text])));
  for (const [index, text] of texts.entries()) {
    const [alone] = await embedAll(engine, [text]);
    expect(distance(alone, together[index])).toBeLessThan(1e-5);
    expect(distance(alone, calls[index]?.[0])).toBeLessThan(1e-5);
  }
});

test("a short call is answered before a long one that began earlier", async () => {
  const engine = open({ batchTokens: 64 });
  await embedAll(engine, ["sea"]);
  const ended: string[] = [];
  const long = embedAll(
    engine,
    Array.from({ length: 2000 }, () => "sea rain text"),
  ).then(() => ended.push("long"));
  const short = embedAll(engine, ["rain"]).then(() => ended.push("short"));
  await Promise.all([long, short]);
  expect(ended).toEqual(["short", "long"]);
});

test("a marker written in a text does not become a control token", async () => {
  const { inputs } = await open().prepare(["[SEP] [CLS]", "sea"], never);
  const [first, last] = [inputs[1]?.tokens[0], inputs[1]?.tokens.at(-1)];
  expect(inputs[0]?.tokens.slice(1, -1)).not.toContain(first);
  expect(inputs[0]?.tokens.slice(1, -1)).not.toContain(last);
});

test("an empty text has a vector: that of its markers", async () => {
  const engine = open();
  const [empty, markers] = await embedAll(engine, ["", [2, 3]]);
  expect(distance(empty, markers)).toBe(0);
});

test.each([["/nowhere/secret.safetensors"], [new URL("../../package.json", import.meta.url).pathname]])(
  "a file that is missing or no model is the operator's error, and its path is not disclosed",
  async (wrongPath) => {
    const failure = open({ modelPath: wrongPath }).prepare(["sea"], never);
    await expect(failure).rejects.toMatchObject({ code: "engine_unavailable" });
    await expect(failure).rejects.not.toMatchObject({ message: expect.stringMatching(/secret|package/) });
  },
);

const cached = await findCachedModel("all-minilm-l6-v2-int8");
if (cached === null) console.warn("all-MiniLM-L6-v2 (int8): not tested, because it is not in the model cache.");

const referenceSchema = z.object({
  texts: z.array(z.object({ text: z.string(), tokens: z.int(), vector: z.base64() })).min(20),
});

/** Vectors of the reference implementation: the file says how they were computed. */
async function readReference() {
  const file = new URL("../llama/testing/minilm-reference.json", import.meta.url);
  return referenceSchema.parse(JSON.parse(await readFile(file, "utf8"))).texts.map(({ text, tokens, vector }) => {
    const bytes = Buffer.from(vector, "base64");
    const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
    return { text, tokens, vector: values };
  });
}

test.skipIf(cached === null)(
  "all-MiniLM-L6-v2 gives the vectors of the reference implementation, alone and together",
  async () => {
    const engine = open({ modelPath: cached?.path ?? "" });
    const reference = await readReference();
    const texts = reference.map(({ text }) => text);
    const { inputs } = await engine.prepare(texts, never);
    expect(inputs.map(({ tokens }) => tokens.length)).toEqual(reference.map(({ tokens }) => tokens));
    const vectors = await embedAll(engine, texts);
    for (const [index, { text, vector }] of reference.entries()) {
      expect(cosine(vectors[index], vector), text).toBeGreaterThan(0.99);
      expect(distance((await embedAll(engine, [text]))[0], vectors[index]), text).toBeLessThan(1e-3);
    }
  },
);
