/** Vectors to the JSON text of OpenAI's answer. */

import { setImmediate as nextTurn } from "node:timers/promises";
import type { EmbeddingResult } from "@openai-compat/core";
import type { CreateEmbeddingResponse } from "@openai-compat/spec";
import type { EncodingFormat } from "./decode.ts";

type Item = CreateEmbeddingResponse["data"][number];
type Rest = Omit<CreateEmbeddingResponse, "data">;

/** Vectors after which the event loop gets its turn: some thousand numbers take a millisecond to print. */
const VECTORS_PER_TURN = 16;

/** A batch is megabytes of text, so it is printed vector by vector and not in one go. */
export async function encodeEmbedding(result: EmbeddingResult, format: EncodingFormat): Promise<string> {
  const { vectors, modelId, promptTokens } = result;
  const items: string[] = [];
  for (const [index, vector] of vectors.entries()) {
    if (index > 0 && index % VECTORS_PER_TURN === 0) await nextTurn();
    const item: Item = { object: "embedding", index, embedding: encodeVector(vector, format) };
    items.push(JSON.stringify(item));
  }
  const rest: Rest = {
    object: "list",
    model: modelId,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
  return `${JSON.stringify(rest).slice(0, -1)},"data":[${items.join(",")}]}`;
}

const BYTES_PER_NUMBER = 4;

/** Base64 holds the 32-bit floats, little-endian on every machine. */
function encodeVector(vector: Float32Array, format: EncodingFormat): number[] | string {
  if (format === "float") return Array.from(vector);
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_PER_NUMBER);
  return bytes.toString("base64");
}
