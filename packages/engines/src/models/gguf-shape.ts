/**
 * How large a model is inside, as the head of its GGUF file says: what decides the memory that it takes beside its
 * weights.
 */

import { open, stat } from "node:fs/promises";
import type { RecommendedSampling } from "@openai-compat/core";
import { GGUF_TYPES } from "./convert/gguf-writer.ts";
import { GgufReader, decodeGgufFile, malformedGguf } from "./gguf-reader.ts";

export interface GgufShape {
  /** What the model was trained for; null where the file does not say. */
  readonly contextTokens: number | null;
  readonly vocabularySize: number;
  readonly embeddingLength: number;
  readonly feedForwardLength: number;
  /** Numbers that all layers together remember of each token. 0 for a model that reads its whole input at once. */
  readonly rememberedPerToken: number;
  /** Numbers that recurrent layers remember of a whole sequence. */
  readonly rememberedPerSequence: number;
  /** What the publisher recommends, as llama.cpp's converter writes it into the file. */
  readonly sampling: RecommendedSampling;
  /** Without one it can't be talked to. */
  readonly hasChatTemplate: boolean;
}

/** Ten times as many as any model has. */
const LAYERS_MAX = 4096;
/** Of any other size: some models say that they were trained for so many tokens. */
const SIZE_MAX = 2 ** 31 - 1;

/** Parts of a model in several files are named after the first: `name-00001-of-00003.gguf`. */
const PART_NAME = /-00001-of-(\d{5})\.gguf$/;

/** @throws Error of the file system */
export async function measureGgufBytes(modelPath: string): Promise<number> {
  const count = PART_NAME.exec(modelPath)?.[1];
  if (count === undefined) return (await stat(modelPath)).size;
  const parts = Array.from({ length: Number(count) }, async (_, index) => {
    const number = String(index + 1).padStart(5, "0");
    return (await stat(modelPath.replace(PART_NAME, `-${number}-of-${count}.gguf`))).size;
  });
  return (await Promise.all(parts)).reduce((sum, size) => sum + size, 0);
}

/** @throws Error of the file system; AiError `invalid_value` for what is no GGUF file of version 3 */
export async function readGgufShape(modelPath: string): Promise<GgufShape> {
  await using source = await open(modelPath, "r");
  const { size } = await source.stat();
  return await decodeGgufFile(source, size, decodeGgufShape);
}

/** @throws AiError as `readGgufShape`, and GgufHeaderCutError when `bytes` end inside the metadata */
export function decodeGgufShape(bytes: Buffer): GgufShape {
  const reader = new GgufReader(bytes);
  const { metadataCount } = reader.start();
  let architecture = "";
  let vocabularySize = 0;
  let hasChatTemplate = false;
  const found = new Map<string, readonly number[]>();
  for (let index = 0; index < metadataCount; index += 1) {
    const key = reader.string();
    const type = reader.uint32();
    if (key === "general.architecture" && type === GGUF_TYPES.string) {
      architecture = reader.string();
      continue;
    }
    const { numbers, count } = reader.numbers(type);
    if (key === "tokenizer.chat_template") hasChatTemplate = true;
    if (key === "tokenizer.ggml.tokens") vocabularySize = count;
    if (numbers.length > 0) found.set(key, numbers);
  }
  const read = (name: string) => (found.get(`${architecture}.${name}`) ?? []).map((size) => checkSize(name, size));
  const largest = (name: string) => Math.max(0, ...read(name));
  return {
    contextTokens: read("context_length")[0] ?? null,
    vocabularySize,
    embeddingLength: largest("embedding_length"),
    feedForwardLength: largest("feed_forward_length"),
    rememberedPerToken: read("attention.causal")[0] === 0 ? 0 : countPerToken(read),
    rememberedPerSequence: countPerSequence(largest),
    sampling: readSampling((name) => found.get(`general.sampling.${name}`)?.[0]),
    hasChatTemplate,
  };
}

/** A damaged file may say any number, and what is said decides how long is counted and how much is reserved. */
function checkSize(name: string, size: number): number {
  const most = name === "block_count" ? LAYERS_MAX : SIZE_MAX;
  if (size >= 0 && size <= most) return size;
  throw malformedGguf(`its ${name} is ${size}`);
}

/** A key and a value for each head of each layer. A head without a size of its own has its share of the width. */
function countPerToken(read: (name: string) => readonly number[]): number {
  const [layers = 0] = read("block_count");
  const heads = read("attention.head_count");
  const width = (read("embedding_length")[0] ?? 0) / Math.max(1, ...heads);
  const size = (read("attention.key_length")[0] ?? width) + (read("attention.value_length")[0] ?? width);
  const perLayer = read("attention.head_count_kv");
  const known = perLayer.length > 0 ? perLayer : heads;
  let sum = 0;
  for (let layer = 0; layer < layers; layer += 1) sum += (known[layer] ?? known[0] ?? 0) * size;
  return Math.ceil(sum);
}

function countPerSequence(largest: (name: string) => number): number {
  return largest("block_count") * largest("ssm.inner_size") * (largest("ssm.state_size") + largest("ssm.conv_kernel"));
}

/** Name in the file, its range; a value beyond is no recommendation. */
const SAMPLING_VALUES: Readonly<Record<keyof RecommendedSampling, readonly [string, number, number]>> = {
  temperature: ["temp", 0, 2],
  topP: ["top_p", 0, 1],
  topK: ["top_k", 0, 1_000_000],
  minP: ["min_p", 0, 1],
  repeatPenalty: ["penalty_repeat", 0.01, 2],
};

function readSampling(read: (name: string) => number | undefined): RecommendedSampling {
  const values = Object.entries(SAMPLING_VALUES).flatMap(([key, [name, least, most]]) => {
    const value = read(name);
    // Single precision writes 0.95 as 0.949999988.
    return value !== undefined && value >= least && value <= most ? [[key, Number(value.toPrecision(6))]] : [];
  });
  return Object.fromEntries(values);
}
