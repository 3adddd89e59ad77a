/** Vectors to OpenAI's answer. */

import type { EmbeddingResult } from "@openai-compat/core";
import type { CreateEmbeddingResponse } from "@openai-compat/spec";
import type { EncodingFormat } from "./decode.ts";

export function encodeEmbedding(result: EmbeddingResult, format: EncodingFormat): CreateEmbeddingResponse {
  const { vectors, modelId, promptTokens } = result;
  return {
    object: "list",
    data: vectors.map((vector, index) => ({ object: "embedding", index, embedding: encodeVector(vector, format) })),
    model: modelId,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
}

const BYTES_PER_NUMBER = 4;

/** Base64 holds the 32-bit floats, little-endian on every machine. */
function encodeVector(vector: Float32Array, format: EncodingFormat): number[] | string {
  if (format === "float") return Array.from(vector);
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_PER_NUMBER);
  return bytes.toString("base64");
}
