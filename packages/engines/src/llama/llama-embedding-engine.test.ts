import { readFile } from "node:fs/promises";
import path from "node:path";
import { cosine, embedAll, embeddingEngineContract } from "@openai-compat/core/embedding-engine-contract";
import { afterAll, expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { convertBertToGguf } from "../models/convert/bert-to-gguf.ts";
import { findCachedModel } from "../models/pull.ts";
import { TINY_BERT, writeTinyBert } from "../models/testing/build-bert.ts";
import { makeTemporaryDirectory } from "../models/testing/temporary-directory.ts";
import { createLlamaEmbeddingEngine } from "./llama-embedding-engine.ts";

const directory = await makeTemporaryDirectory();
afterAll(() => directory[Symbol.asyncDispose]());
const modelPath = path.join(directory.path, "tiny.gguf");
await convertBertToGguf({
  ...(await writeTinyBert(directory.path)),
  targetPath: modelPath,
  parameters: { name: "tiny", headCount: TINY_BERT.headCount, layerNormEpsilon: 1e-12 },
});
const never = new AbortController().signal;

function open(settings: Partial<Parameters<typeof createLlamaEmbeddingEngine>[0]> = {}) {
  const engine = createLlamaEmbeddingEngine({ modelPath, ...settings });
  onTestFinished(() => engine.close());
  return engine;
}

embeddingEngineContract("llama embedding", { createEngine: () => createLlamaEmbeddingEngine({ modelPath }) });

test("an input as long as the model allows is read", async () => {
  const engine = open();
  const { inputs: letters, contextTokens } = await engine.prepare(["a"], never);
  const letter = letters[0]?.tokens[1] ?? Number.NaN;
  expect(contextTokens).toBe(TINY_BERT.positions);
  const longest = Array.from({ length: TINY_BERT.positions - 2 }, () => letter);
  const { inputs } = await engine.prepare([longest], never);
  expect(inputs[0]?.tokens).toHaveLength(TINY_BERT.positions);
  expect(await embedAll(engine, [longest])).toHaveLength(1);
});

test("a marker written in a text does not become a control token", async () => {
  const { inputs } = await open().prepare(["[SEP] [CLS]", "sea"], never);
  const [first, last] = [inputs[1]?.tokens[0], inputs[1]?.tokens.at(-1)];
  expect(inputs[0]?.tokens.slice(1, -1)).not.toContain(first);
  expect(inputs[0]?.tokens.slice(1, -1)).not.toContain(last);
});

test("a missing model file is the operator's error, and its path is not disclosed", async () => {
  const engine = open({ modelPath: "/nowhere/secret.gguf" });
  const failure = engine.prepare(["sea"], never);
  await expect(failure).rejects.toMatchObject({ code: "engine_unavailable" });
  await expect(failure).rejects.not.toMatchObject({ message: expect.stringContaining("secret") });
});

const cached = await findCachedModel("all-minilm-l6-v2");
if (cached === null) console.warn("all-MiniLM-L6-v2: not tested, because it is not in the model cache.");

const referenceSchema = z.object({
  texts: z.array(z.object({ text: z.string(), tokens: z.int(), vector: z.base64() })).min(20),
});

/** Vectors of the reference implementation: `testing/minilm-reference.json` says how they were computed. */
async function readReference() {
  const file = new URL("testing/minilm-reference.json", import.meta.url);
  return referenceSchema.parse(JSON.parse(await readFile(file, "utf8"))).texts.map(({ text, tokens, vector }) => {
    const bytes = Buffer.from(vector, "base64");
    const values = Float32Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readFloatLE(index * 4));
    return { text, tokens, vector: values };
  });
}

test.skipIf(cached === null)("all-MiniLM-L6-v2 gives the vectors of the reference implementation", async () => {
  const engine = open({ modelPath: cached?.path ?? "" });
  const reference = await readReference();
  const texts = reference.map(({ text }) => text);
  const { inputs } = await engine.prepare(texts, never);
  expect(inputs.map(({ tokens }) => tokens.length)).toEqual(reference.map(({ tokens }) => tokens));
  const vectors = await embedAll(engine, texts);
  for (const [index, { text, vector }] of reference.entries()) {
    expect(cosine(vectors[index], vector), text).toBeGreaterThan(0.99);
  }
});

test.skipIf(cached === null)("all-MiniLM-L6-v2 finds for each sentence the one that means the same", async () => {
  const engine = open({ modelPath: cached?.path ?? "" });
  // The reference begins with five pairs of sentences that mean the same.
  const pairs = (await readReference()).slice(0, 10).map(({ text }) => text);
  const vectors = await embedAll(engine, pairs);
  for (const [index, vector] of vectors.entries()) {
    const others = vectors.map((other, place) => (place === index ? -1 : cosine(vector, other)));
    expect(others.indexOf(Math.max(...others)), pairs[index]).toBe(index % 2 === 0 ? index + 1 : index - 1);
  }
});
