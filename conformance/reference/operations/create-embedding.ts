/** The reference server's embeddings: a vector is the sum of a fixed direction for each word of its text. */

import { createHash } from "node:crypto";
import { EMBEDDING_MODELS } from "../models.ts";
import { makeRefusal, type Refusal } from "../refusal.ts";
import { decodeJson } from "./decode-body.ts";
import type { Answer, Fields, ReferenceOperation } from "./operation.ts";

const DIMENSIONS = 32;
const INPUTS_MAX = 2048;
const WORDS_MAX = 8192;

export interface EmbeddingList {
  readonly object: string;
  readonly data: readonly EmbeddingItem[];
  readonly model: string;
  readonly usage: object;
}

export interface EmbeddingItem {
  readonly object: string;
  readonly index: number;
  readonly embedding: readonly number[] | string;
}

export interface EmbeddingAnswer extends Answer {
  readonly list: EmbeddingList;
}

export const createEmbedding: ReferenceOperation<EmbeddingAnswer> = {
  isBilled: true,
  decode: decodeJson,
  validate: validateEmbedding,
  serves: ({ id }) => EMBEDDING_MODELS.includes(id),
  estimate: countTokens,
  answer: (request) => ({ request, cost: countTokens(request), breaksAfter: null, list: answerEmbedding(request) }),
  encode: ({ list }) => list,
};

function validateEmbedding(body: Fields): Refusal | null {
  const { model, input, encoding_format: format, dimensions } = body;
  if (model === undefined) return makeRefusal("missing_parameter", { param: "model" });
  if (input === undefined || input === null) return makeRefusal("missing_parameter", { param: "input" });
  const inputs = listInputs(input);
  if (inputs.length === 0 || inputs.length > INPUTS_MAX) return makeRefusal("invalid_value", { param: "input" });
  if (inputs.some((words) => words.length === 0 || words.length > WORDS_MAX)) {
    return makeRefusal("invalid_value", { param: "input" });
  }
  if (![undefined, null, "float", "base64"].some((known) => known === format)) {
    return makeRefusal("invalid_value", { param: "encoding_format" });
  }
  const isWhole = dimensions === undefined || dimensions === null || dimensions === DIMENSIONS;
  return isWhole ? null : makeRefusal("invalid_value", { param: "dimensions" });
}

/** Answers a valid request. */
export function answerEmbedding(body: Fields): EmbeddingList {
  const inputs = listInputs(body["input"]);
  const tokens = countTokens(body);
  return {
    object: "list",
    data: inputs.map((words, index) => ({
      object: "embedding",
      index,
      embedding: encode(embed(words), body["encoding_format"]),
    })),
    model: String(body["model"]),
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function countTokens({ input }: Fields): number {
  return listInputs(input).reduce((sum, words) => sum + words.length, 0);
}

/** The words of each input; a token id is a word. */
function listInputs(input: unknown): readonly (readonly string[])[] {
  if (!Array.isArray(input)) return [splitWords(input)];
  if (typeof input[0] === "number") return [input.map(String)];
  return input.map((item: unknown) => (Array.isArray(item) ? item.map(String) : splitWords(item)));
}

function splitWords(text: unknown): readonly string[] {
  return typeof text === "string" ? (text.match(/\S+/g) ?? []) : [];
}

function embed(words: readonly string[]): readonly number[] {
  const sum = Array.from({ length: DIMENSIONS }, () => 0);
  for (const word of words) {
    const bytes = createHash("sha256").update(word).digest();
    for (const [index, byte] of bytes.entries()) sum[index] = (sum[index] ?? 0) + byte - 127.5;
  }
  const length = Math.hypot(...sum);
  return sum.map((value) => value / length);
}

function encode(vector: readonly number[], format: unknown): readonly number[] | string {
  return format === "base64" ? Buffer.from(Float32Array.from(vector).buffer).toString("base64") : vector;
}
