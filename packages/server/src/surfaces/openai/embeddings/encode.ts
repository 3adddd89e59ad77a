/** Vectors to the JSON text of OpenAI's answer. */

import type { EmbeddingResult, WorkSlices } from "@openai-compat/core";
import type { CreateEmbeddingResponse } from "@openai-compat/spec";
import { printObject, printList } from "../print-json.ts";
import type { EncodingFormat } from "./decode.ts";

type Item = CreateEmbeddingResponse["data"][number];
type Rest = Omit<CreateEmbeddingResponse, "data">;

export interface EmbeddingAnswerOptions {
  readonly format: EncodingFormat;
  readonly slices: WorkSlices;
}

/** A batch is megabytes of text, so it is printed vector by vector and not in one go. @throws what `slices` throws */
export async function encodeEmbedding(
  { vectors, modelId, promptTokens }: EmbeddingResult,
  { format, slices }: EmbeddingAnswerOptions,
): Promise<string> {
  const encodeItem = ([index, vector]: readonly [number, Float32Array]): string => {
    const item: Item = { object: "embedding", index, embedding: encodeVector(vector, format) };
    return JSON.stringify(item);
  };
  const rest: Rest = {
    object: "list",
    model: modelId,
    usage: { prompt_tokens: promptTokens, total_tokens: promptTokens },
  };
  return printObject(rest, { data: await printList([...vectors.entries()], encodeItem, slices) });
}

const BYTES_PER_NUMBER = 4;

/** Base64 holds the 32-bit floats, little-endian on every machine. */
function encodeVector(vector: Float32Array, format: EncodingFormat): number[] | string {
  if (format === "float") return Array.from(vector);
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  for (const [index, value] of vector.entries()) bytes.writeFloatLE(value, index * BYTES_PER_NUMBER);
  return bytes.toString("base64");
}
