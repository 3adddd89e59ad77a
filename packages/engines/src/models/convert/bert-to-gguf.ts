/**
 * Writes a BERT sentence encoder, as it is published (safetensors and a WordPiece vocabulary), as a GGUF file that
 * llama.cpp runs. Matrices become Q8_0, a quarter of their size; norms, biases, positions and types stay as they are,
 * which is what llama.cpp's own converter does. Reads and writes in chunks, so memory stays bounded.
 *
 * Names: https://github.com/ggml-org/llama.cpp/blob/master/gguf-py/gguf/constants.py (`MODEL_ARCH.BERT`).
 */

import { open, readFile, type FileHandle } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { Q8_0_BLOCK_BYTES, Q8_0_BLOCK_WEIGHTS, encodeQ80 } from "./encode-q8-0.ts";
import { encodeFloats } from "./encode-weights.ts";
import {
  GGUF_DEFAULT_ALIGNMENT_BYTES,
  alignUp,
  encodeGgufHeader,
  encodeGgufMetadata,
  type GgufTensor,
  type GgufValue,
} from "./gguf-writer.ts";
import { readSafetensorsHeader, readWeights, type SafetensorsTensor } from "./safetensors.ts";
import { writePinnableFile, type WriteOptions, type WrittenFile } from "../write-pinnable-file.ts";

/** Parameters that the weights don't contain. */
export interface BertParameters {
  readonly name: string;
  readonly headCount: number;
  readonly layerNormEpsilon: number;
}

export interface BertConversionOptions extends WriteOptions {
  readonly weightsPath: string;
  /** One token a line; the line's number is its id. */
  readonly vocabularyPath: string;
  readonly parameters: BertParameters;
}

const TYPE_F32 = 0;
const TYPE_Q8_0 = 8;
const FILE_TYPE_Q8_0 = 7;
/** `LLAMA_POOLING_TYPE_MEAN` */
const POOLING_MEAN = 1;
const TOKEN_NORMAL = 1;
const TOKEN_CONTROL = 3;
/** About ten milliseconds of work. */
const CHUNK_WEIGHTS = 256 * 1024;

interface TensorPlan {
  readonly source: SafetensorsTensor;
  readonly target: GgufTensor;
  readonly sizeBytes: number;
}

/**
 * @returns size and checksum of what was written; they depend on the two files and the parameters alone
 * @throws AiError `invalid_value` when a file is damaged or is no BERT encoder
 */
export async function convertBertToGguf(options: BertConversionOptions): Promise<WrittenFile> {
  await using source = await open(options.weightsPath, "r");
  const vocabulary = (await readFile(options.vocabularyPath, "utf8")).replace(/\n$/, "").split("\n");
  const plans = planTensors((await readSafetensorsHeader(source)).tensors);
  const metadata = describeModel(plans, vocabulary, options.parameters);
  const head = encodeGgufHeader({
    metadataCount: metadata.length,
    metadata: encodeGgufMetadata(metadata),
    alignmentBytes: GGUF_DEFAULT_ALIGNMENT_BYTES,
    tensors: plans.map(({ target }) => target),
  });
  const totalBytes = plans.reduce(
    (sum, plan) => sum + alignUp(plan.sizeBytes, GGUF_DEFAULT_ALIGNMENT_BYTES),
    head.length,
  );

  return await writePinnableFile(options, { pieces: encodeFile(source, head, plans), totalBytes });
}

async function* encodeFile(
  source: FileHandle,
  head: Uint8Array,
  plans: readonly TensorPlan[],
): AsyncGenerator<Uint8Array> {
  yield head;
  for (const plan of plans) {
    yield* encodeTensor(source, plan);
    const padding = alignUp(plan.sizeBytes, GGUF_DEFAULT_ALIGNMENT_BYTES) - plan.sizeBytes;
    if (padding > 0) yield Buffer.alloc(padding);
  }
}

async function* encodeTensor(source: FileHandle, plan: TensorPlan): AsyncGenerator<Uint8Array> {
  const weights = countWeights(plan.source);
  for (let from = 0; from < weights; from += CHUNK_WEIGHTS) {
    const count = Math.min(CHUNK_WEIGHTS, weights - from);
    const chunk = await readWeights(source, plan.source, { from, count });
    yield plan.target.type === TYPE_Q8_0 ? encodeQ80(chunk) : encodeFloats(chunk);
  }
}

const EMBEDDINGS: Readonly<Record<string, string>> = {
  "embeddings.word_embeddings.weight": "token_embd.weight",
  "embeddings.position_embeddings.weight": "position_embd.weight",
  "embeddings.token_type_embeddings.weight": "token_types.weight",
  "embeddings.LayerNorm.weight": "token_embd_norm.weight",
  "embeddings.LayerNorm.bias": "token_embd_norm.bias",
};
const LAYER_PARTS: Readonly<Record<string, string>> = {
  "attention.self.query": "attn_q",
  "attention.self.key": "attn_k",
  "attention.self.value": "attn_v",
  "attention.output.dense": "attn_output",
  "attention.output.LayerNorm": "attn_output_norm",
  "intermediate.dense": "ffn_up",
  "output.dense": "ffn_down",
  "output.LayerNorm": "layer_output_norm",
};
/** Of no use to a sentence's vector: the pooler belongs to pre-training, the ids are their own numbers. */
const UNUSED = /^(?:pooler\.|embeddings\.position_ids$)/;
const MATRIX = /^(?:token_embd|blk\.\d+\.(?:attn_[qkv]|attn_output|ffn_up|ffn_down))\.weight$/;

function planTensors(sources: readonly SafetensorsTensor[]): readonly TensorPlan[] {
  let offsetBytes = 0;
  return sources.flatMap((source) => {
    const plain = source.name.replace(/^bert\./, "");
    if (UNUSED.test(plain)) return [];
    if (source.dtype !== "F32") throw notBert(`${plain} holds no floats`);
    const name = mapName(plain);
    const dimensions = source.shape.toReversed();
    const isMatrix = MATRIX.test(name);
    if (isMatrix && (dimensions[0] ?? 0) % Q8_0_BLOCK_WEIGHTS !== 0) throw notBert(`${plain} has an odd width`);
    const weights = countWeights(source);
    const sizeBytes = isMatrix ? (weights / Q8_0_BLOCK_WEIGHTS) * Q8_0_BLOCK_BYTES : weights * 4;
    const target = { name, dimensions, type: isMatrix ? TYPE_Q8_0 : TYPE_F32, offsetBytes };
    offsetBytes += alignUp(sizeBytes, GGUF_DEFAULT_ALIGNMENT_BYTES);
    return [{ source, target, sizeBytes }];
  });
}

function mapName(name: string): string {
  const embedding = EMBEDDINGS[name];
  if (embedding !== undefined) return embedding;
  const [, layer, part = "", kind] = /^encoder\.layer\.(\d+)\.(.+)\.(weight|bias)$/.exec(name) ?? [];
  const mapped = LAYER_PARTS[part];
  if (layer === undefined || mapped === undefined) throw notBert(`it has a tensor ${name.slice(0, 100)}`);
  return `blk.${layer}.${mapped}.${kind}`;
}

function countWeights({ shape }: SafetensorsTensor): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function describeModel(
  plans: readonly TensorPlan[],
  vocabulary: readonly string[],
  { name, headCount, layerNormEpsilon }: BertParameters,
): readonly (readonly [string, GgufValue])[] {
  const dimensionsOf = (tensor: string): readonly number[] => {
    const plan = plans.find(({ target }) => target.name === tensor);
    if (plan === undefined) throw notBert(`it has no ${tensor}`);
    return plan.target.dimensions;
  };
  const [width = 0, vocabularySize = 0] = dimensionsOf("token_embd.weight");
  const [, positions = 0] = dimensionsOf("position_embd.weight");
  const [, types = 0] = dimensionsOf("token_types.weight");
  const [, feedForward = 0] = dimensionsOf("blk.0.ffn_up.weight");
  const layers = plans.filter(({ target }) => target.name.endsWith(".ffn_up.weight")).length;
  if (vocabulary.length !== vocabularySize) {
    throw notBert(`its vocabulary has ${vocabulary.length} tokens, its weights ${vocabularySize}`);
  }
  const uint32 = (value: number): GgufValue => ({ type: "uint32", value });
  return [
    ["general.architecture", { type: "string", value: "bert" }],
    ["general.name", { type: "string", value: name }],
    ["general.file_type", uint32(FILE_TYPE_Q8_0)],
    ["general.quantization_version", uint32(2)],
    ["bert.block_count", uint32(layers)],
    ["bert.context_length", uint32(positions)],
    ["bert.embedding_length", uint32(width)],
    ["bert.feed_forward_length", uint32(feedForward)],
    ["bert.attention.head_count", uint32(headCount)],
    ["bert.attention.layer_norm_epsilon", { type: "float32", value: layerNormEpsilon }],
    ["bert.attention.causal", { type: "bool", value: false }],
    ["bert.pooling_type", uint32(POOLING_MEAN)],
    ["tokenizer.ggml.token_type_count", uint32(types)],
    ...describeTokenizer(vocabulary),
  ];
}

/** llama.cpp marks the beginning of a word where WordPiece marks what is not one. */
function describeTokenizer(vocabulary: readonly string[]): readonly (readonly [string, GgufValue])[] {
  const idOf = (token: string): GgufValue => {
    const value = vocabulary.indexOf(token);
    if (value === -1) throw notBert(`its vocabulary has no ${token}`);
    return { type: "uint32", value };
  };
  const isSpecial = (token: string) => /^\[(?:CLS|SEP|PAD|UNK|MASK)\]$/.test(token);
  const toGgufToken = (token: string) => {
    if (isSpecial(token)) return token;
    return token.startsWith("##") ? token.slice(2) : `\u2581${token}`;
  };
  const types = vocabulary.map((token) => (isSpecial(token) ? TOKEN_CONTROL : TOKEN_NORMAL));
  return [
    ["tokenizer.ggml.model", { type: "string", value: "bert" }],
    ["tokenizer.ggml.tokens", { type: "strings", value: vocabulary.map(toGgufToken) }],
    ["tokenizer.ggml.token_type", { type: "int32s", value: types }],
    ["tokenizer.ggml.unknown_token_id", idOf("[UNK]")],
    // The format's own name.
    ["tokenizer.ggml.seperator_token_id", idOf("[SEP]")],
    ["tokenizer.ggml.padding_token_id", idOf("[PAD]")],
    ["tokenizer.ggml.cls_token_id", idOf("[CLS]")],
    ["tokenizer.ggml.mask_token_id", idOf("[MASK]")],
    ["tokenizer.ggml.bos_token_id", idOf("[CLS]")],
    ["tokenizer.ggml.eos_token_id", idOf("[SEP]")],
  ];
}

function notBert(reason: string): AiError {
  return new AiError("invalid_value", `The model is no BERT encoder that can be converted: ${reason}.`);
}
