/** What a loaded BERT sentence encoder takes of the memory. */

import { stat } from "node:fs/promises";
import { AiError } from "@openai-compat/core";
import { readBertConfig } from "./bert-checkpoint.ts";
import { resolveOnnxEmbeddingModel } from "./onnx-embedding-settings.ts";
import type { OnnxEmbeddingSettings } from "./onnx-embedding-settings.ts";

const FLOAT_BYTES = 4;
/** Of the file: the runtime keeps its weights in another order, and pages of the file beside them. */
const WEIGHTS_FACTOR = 2;
/** Queries, keys and values as floats: the graph's, the runtime's copy, and what it multiplies. */
const PROJECTION_COPIES = 3;
/** Text and look-up tables of a token. */
const VOCABULARY_ENTRY_BYTES = 512;
/** Graph, tokenizer, buffers of the runtime, and what JavaScript has not collected yet. */
const FIXED_BYTES = 64 * 1024 * 1024;
/** Rows of the layers' states that a batch has at once. */
const STATE_ROWS = 8;

/** Upper bound in bytes, the process not counted. @throws AiError `engine_unavailable` without the file */
export async function estimateOnnxEmbeddingBytes(settings: OnnxEmbeddingSettings): Promise<number> {
  const { modelPath, contextTokens, batchTokens } = resolveOnnxEmbeddingModel(settings);
  const { width, heads, layers, feedForward, positions, vocabularySize } = await readBertConfig(modelPath);
  const { size } = await stat(modelPath).catch((thrown: unknown) => {
    throw new AiError("engine_unavailable", "The model file can't be read.", { cause: thrown });
  });
  const longest = Math.min(contextTokens, positions);
  const rows = Math.max(batchTokens, longest);
  const projections = PROJECTION_COPIES * layers * 3 * width * width;
  const states = rows * (STATE_ROWS * width + 3 * feedForward + heads * longest);
  return Math.ceil(
    size * WEIGHTS_FACTOR +
      vocabularySize * VOCABULARY_ENTRY_BYTES +
      FLOAT_BYTES * (projections + states) +
      FIXED_BYTES,
  );
}
