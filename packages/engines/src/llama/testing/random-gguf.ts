/**
 * Writes a tiny chat model with random weights, so that the real engine can run in tests without a download. Its text
 * is noise, with rules built in: a byte that begins an emoji is followed by the bytes that complete it, so that
 * characters are split over tokens, and a full stop ends the turn.
 */

import { writeFile } from "node:fs/promises";
import { encodeGguf } from "../../models/convert/gguf-writer.ts";
import type { GgufContent, GgufValue } from "../../models/convert/gguf-writer.ts";
import { listByteLetters } from "../token-bytes.ts";
import { CALL_BEGIN } from "../tool-calls-format.ts";
import { encodeQ80 } from "../../models/convert/encode-q8-0.ts";

const WIDTH = 64;
const HEADS = 4;
const LAYERS = 2;
const FEED_FORWARD = 128;
/** Numbers of encodings in ggml's `enum ggml_type`. */
const TYPE_F32 = 0;
const TYPE_Q8_0 = 8;

type Tensor = GgufContent["tensors"][number];

export interface RandomModelOptions {
  /** What the file says that the model was trained for. Default 4,096. */
  readonly trainedContextTokens?: number;
  /** Default: ChatML, which knows no tools. Null leaves it out. */
  readonly chatTemplate?: string | null;
}

/** Control tokens of the model; the 256 bytes, four words and the beginning of a call follow, all as text. */
export const RANDOM_MODEL_CONTROL_TOKENS = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"] as const;

const MERGES = ["h e", "he l", "l o", "hel lo"] as const;
const WORDS = ["he", "hel", "lo", "hello"] as const;
const IM_END = 2;
const FULL_STOP = 0x2e;
const FIRST_BYTE = RANDOM_MODEL_CONTROL_TOKENS.length;
const CHATML =
  "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/** About 130 kB; the same options write the same bytes. */
export async function writeRandomModel(path: string, options: RandomModelOptions = {}): Promise<void> {
  const vocabulary = listVocabulary();
  await writeFile(
    path,
    encodeGguf({ metadata: buildMetadata(vocabulary, options), tensors: buildTensors(vocabulary.length) }),
  );
}

/** The token of a byte: the model's vocabulary is byte-level. */
export function randomModelByteToken(byte: number): number {
  return FIRST_BYTE + byte;
}

/** The token that begins the call of a tool. */
export const RANDOM_MODEL_CALL_TOKEN = FIRST_BYTE + 256 + WORDS.length;

function listVocabulary(): string[] {
  return [...RANDOM_MODEL_CONTROL_TOKENS, ...listByteLetters(), ...WORDS, CALL_BEGIN];
}

function buildMetadata(vocabulary: readonly string[], options: RandomModelOptions): [string, GgufValue][] {
  const { chatTemplate = CHATML, trainedContextTokens = 4096 } = options;
  const controlCount = RANDOM_MODEL_CONTROL_TOKENS.length;
  return [
    ["general.architecture", { type: "string", value: "llama" }],
    ["general.name", { type: "string", value: "random" }],
    ["llama.context_length", { type: "uint32", value: trainedContextTokens }],
    ["llama.embedding_length", { type: "uint32", value: WIDTH }],
    ["llama.block_count", { type: "uint32", value: LAYERS }],
    ["llama.feed_forward_length", { type: "uint32", value: FEED_FORWARD }],
    ["llama.attention.head_count", { type: "uint32", value: HEADS }],
    ["llama.attention.head_count_kv", { type: "uint32", value: HEADS }],
    ["llama.attention.layer_norm_rms_epsilon", { type: "float32", value: 1e-5 }],
    ["llama.rope.dimension_count", { type: "uint32", value: WIDTH / HEADS }],
    ["llama.vocab_size", { type: "uint32", value: vocabulary.length }],
    ["tokenizer.ggml.model", { type: "string", value: "gpt2" }],
    ["tokenizer.ggml.pre", { type: "string", value: "gpt-2" }],
    ["tokenizer.ggml.tokens", { type: "strings", value: vocabulary }],
    ["tokenizer.ggml.token_type", { type: "int32s", value: vocabulary.map((_, id) => (id < controlCount ? 3 : 1)) }],
    ["tokenizer.ggml.merges", { type: "strings", value: MERGES }],
    ["tokenizer.ggml.eos_token_id", { type: "uint32", value: IM_END }],
    ...(chatTemplate === null
      ? []
      : ([["tokenizer.chat_template", { type: "string", value: chatTemplate }]] satisfies [string, GgufValue][])),
  ];
}

function buildTensors(vocabularySize: number): Tensor[] {
  const random = createRandom();
  const randomWeights = WIDTH * RANDOM_MODEL_CALL_TOKEN;
  const embedding = appendZeros(random(randomWeights, 1), WIDTH * vocabularySize);
  const output = appendZeros(random(randomWeights, 1), WIDTH * vocabularySize);
  silenceUnlikely(output);
  applyRules(embedding, output);
  const layers = Array.from({ length: LAYERS }, (_, layer): Tensor[] => {
    const name = (part: string) => `blk.${layer}.${part}.weight`;
    const noise = (part: string, [columns, rows]: [number, number]) =>
      matrix(name(part), [columns, rows], random(columns * rows, 0.2));
    return [
      ones(name("attn_norm")),
      ...["attn_q", "attn_k", "attn_v", "attn_output"].map((part) => noise(part, [WIDTH, WIDTH])),
      ones(name("ffn_norm")),
      noise("ffn_gate", [WIDTH, FEED_FORWARD]),
      noise("ffn_up", [WIDTH, FEED_FORWARD]),
      noise("ffn_down", [FEED_FORWARD, WIDTH]),
    ];
  });
  return [
    matrix("token_embd.weight", [WIDTH, vocabularySize], embedding),
    ones("output_norm.weight"),
    matrix("output.weight", [WIDTH, vocabularySize], output),
    ...layers.flat(),
  ];
}

/** Nothing leads to the beginning of a call: the model writes it where a test's bias raises it. */
function appendZeros(values: Float32Array, length: number): Float32Array {
  const padded = new Float32Array(length);
  padded.set(values);
  return padded;
}

/** Control tokens, the full stop and bytes beyond ASCII are likely where a rule raises them, unlikely elsewhere. */
function silenceUnlikely(output: Float32Array): void {
  const isLikely = (byte: number) => byte >= 0x20 && byte < 0x7f && byte !== FULL_STOP;
  for (let byte = -FIRST_BYTE; byte < 256; byte += 1) {
    if (isLikely(byte)) continue;
    const row = randomModelByteToken(byte) * WIDTH;
    for (let index = row; index < row + WIDTH; index += 1) output[index] = (output[index] ?? 0) * 0.2;
  }
}

interface Rule {
  readonly from: readonly number[];
  readonly to: readonly number[];
  readonly strength: number;
}

const LETTERS = Array.from({ length: 26 }, (_, index) => randomModelByteToken(0x61 + index));
const EMOJI_ENDS = Array.from({ length: 8 }, (_, index) => randomModelByteToken(0x80 + index));
const RULES: readonly Rule[] = [
  { from: [randomModelByteToken(0xf0)], to: [randomModelByteToken(0x9f)], strength: 4 },
  { from: [randomModelByteToken(0x9f)], to: [randomModelByteToken(0x98)], strength: 4 },
  { from: [randomModelByteToken(0x98)], to: EMOJI_ENDS, strength: 4 },
  { from: [randomModelByteToken(FULL_STOP)], to: [IM_END], strength: 4 },
  { from: LETTERS.filter((_, index) => index % 3 === 0), to: [randomModelByteToken(0xf0)], strength: 2 },
];

/** Each rule owns a dimension: the tokens before set it, the tokens after read it, all others leave it alone. */
function applyRules(embedding: Float32Array, output: Float32Array): void {
  for (const [index, { from, to, strength }] of RULES.entries()) {
    const dimension = WIDTH - 1 - index;
    for (let at = dimension; at < embedding.length; at += WIDTH) {
      embedding[at] = 0;
      output[at] = 0;
    }
    for (const token of from) embedding[token * WIDTH + dimension] = strength;
    for (const token of to) output[token * WIDTH + dimension] = strength;
  }
}

function matrix(name: string, dimensions: [columns: number, rows: number], values: Float32Array): Tensor {
  return { name, dimensions, type: TYPE_Q8_0, bytes: encodeQ80(values) };
}

function ones(name: string): Tensor {
  const values = new Float32Array(WIDTH).fill(1);
  return { name, dimensions: [WIDTH], type: TYPE_F32, bytes: new Uint8Array(values.buffer) };
}

/** A linear congruential generator: any will do, as long as it is the same everywhere. */
function createRandom(): (count: number, scale: number) => Float32Array {
  let state = 1_234_567;
  return (count, scale) =>
    Float32Array.from({ length: count }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return (state / 2 ** 32 - 0.5) * scale;
    });
}
