/**
 * Estimates a model's memory from its file alone, without the native library, which is not loaded yet. It errs upwards.
 *
 * @see docs/decisions/2026-11-28-models-take-turns-in-memory.md for what was measured
 */

import { AiError } from "@openai-compat/core";
import { GgufHeaderCutError } from "../models/gguf-reader.ts";
import { measureGgufBytes, readGgufShape } from "../models/gguf-shape.ts";
import type { GgufShape } from "../models/gguf-shape.ts";
import { alignUp } from "../models/convert/gguf-writer.ts";
import { resolveEmbeddingModel } from "./llama-embedding-settings.ts";
import type { LlamaEmbeddingSettings } from "./llama-embedding-settings.ts";
import { resolveChatModel } from "./llama-settings.ts";
import type { LlamaEngineSettings } from "./llama-settings.ts";
import { toLoadError } from "./load-with-runtime.ts";
import { BATCH_TOKENS, HALF_BYTES, SCORED_TOKENS_MAX } from "./loaded-model.ts";

const FLOAT_BYTES = 4;
/** llama.cpp rounds the size of a sequence up to a multiple of this. */
const CONTEXT_STEP_TOKENS = 256;
/** Text, merges and look-up tables of a token, in the library and in JavaScript. Measured: 0.9 to 1.4 kB. */
const VOCABULARY_ENTRY_BYTES = 1536;
/** Buffers of the library and of the engine, independent of the model. */
const FIXED_BYTES = 32 * 1024 * 1024;
/** Rows of each kind that an evaluation has at once. */
const WIDE_ROWS = 4;
const FEED_FORWARD_ROWS = 2;
/** A row of the mask for each token read, once in 32 bits and once in 16. */
const MASK_BYTES = FLOAT_BYTES + HALF_BYTES;
/** Factor on the file size where the header can't be read here, though the library may read it. */
const UNREADABLE_FACTOR = 2;
/** The library would reserve as much memory as the damaged length says before it noticed. */
const DAMAGED = "The model file is damaged: its head is longer than the file. Pull the model again.";

/**
 * Weights, memory of all sequences, what is saved of it, one evaluation of a prompt that is scored.
 *
 * @throws AiError `engine_unavailable` without the file, and for one that is cut inside its head
 */
export async function estimateChatBytes(settings: LlamaEngineSettings): Promise<number> {
  const { modelPath, concurrency, contextTokens, savedPrefixBytesMax } = resolveChatModel(settings);
  return estimate(modelPath, (shape) => {
    const tokens = limitContext(contextTokens, shape);
    const remembered = alignUp(tokens, CONTEXT_STEP_TOKENS) * shape.rememberedPerToken * HALF_BYTES;
    const recurrent = shape.rememberedPerSequence * FLOAT_BYTES;
    const logits = 2 * shape.vocabularySize * FLOAT_BYTES;
    const scores = SCORED_TOKENS_MAX * shape.vocabularySize * FLOAT_BYTES;
    const sequences = concurrency * (remembered + recurrent + logits);
    const saved = Math.min(savedPrefixBytesMax, concurrency * remembered);
    return sequences + saved + scores + estimateEvaluation(shape, BATCH_TOKENS, tokens);
  });
}

/**
 * Weights and, for each input that is read at once, a context.
 *
 * @throws AiError `engine_unavailable` without the file, and for one that is cut inside its head
 */
export async function estimateEmbeddingBytes(settings: LlamaEmbeddingSettings): Promise<number> {
  const { modelPath, contextTokens, threads } = resolveEmbeddingModel(settings);
  return estimate(modelPath, (shape) => {
    const tokens = limitContext(contextTokens, shape) + 1;
    const remembered = alignUp(tokens, CONTEXT_STEP_TOKENS) * shape.rememberedPerToken * HALF_BYTES;
    // The library keeps a row of the whole vocabulary for each token of an input, although it is never used.
    const logits = tokens * shape.vocabularySize * FLOAT_BYTES;
    return threads * (remembered + logits + estimateEvaluation(shape, tokens, tokens));
  });
}

async function estimate(modelPath: string, estimateContexts: (shape: GgufShape) => number): Promise<number> {
  try {
    const weights = await measureGgufBytes(modelPath);
    const shape = await readGgufShape(modelPath).catch((thrown: unknown) => {
      if (thrown instanceof GgufHeaderCutError) throw new AiError("engine_unavailable", DAMAGED, { cause: thrown });
      if (thrown instanceof AiError) return null;
      throw thrown;
    });
    if (shape === null) return weights * UNREADABLE_FACTOR + FIXED_BYTES;
    return Math.ceil(weights + shape.vocabularySize * VOCABULARY_ENTRY_BYTES + estimateContexts(shape) + FIXED_BYTES);
  } catch (thrown) {
    throw toLoadError(thrown);
  }
}

function limitContext(contextTokens: number, shape: GgufShape): number {
  return Math.min(contextTokens, shape.contextTokens ?? contextTokens);
}

/** Bytes of intermediate results of one evaluation. */
function estimateEvaluation(shape: GgufShape, tokens: number, contextTokens: number): number {
  const row = WIDE_ROWS * shape.embeddingLength + FEED_FORWARD_ROWS * shape.feedForwardLength;
  return tokens * (row * FLOAT_BYTES + alignUp(contextTokens, CONTEXT_STEP_TOKENS) * MASK_BYTES);
}
