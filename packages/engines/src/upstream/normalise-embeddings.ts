/** Converts vectors to the requested encoding, whichever of the two the upstream supports. */

import { AiError } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { isIndex } from "./normalise-fields.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface EmbeddingWishes {
  readonly encoding: "float" | "base64";
  /** Null for as many as the model makes. */
  readonly dimensions: number | null;
}

export function readEmbeddingWishes(body: Readonly<JsonRecord>): EmbeddingWishes {
  const { encoding_format: encoding, dimensions } = body;
  return {
    encoding: encoding === "base64" ? "base64" : "float",
    dimensions: isIndex(dimensions) && dimensions > 0 ? dimensions : null,
  };
}

/**
 * @param answer it is changed
 * @returns whether it was
 * @throws UpstreamError `invalid` for malformed vectors; AiError `unsupported_parameter` when `dimensions` was
 *   ignored
 */
export function normaliseEmbeddings(answer: JsonRecord, wishes: EmbeddingWishes): boolean {
  const { data } = answer;
  if (!Array.isArray(data)) throw new UpstreamError("invalid", "The answer has no vectors.");
  let isChanged = answer["object"] !== "list";
  answer["object"] = "list";
  for (const [position, item] of data.entries()) {
    if (!isRecord(item)) throw new UpstreamError("invalid", "The answer holds something that is no vector.");
    if (!isIndex(item["index"])) {
      item["index"] = position;
      isChanged = true;
    }
    if (item["object"] !== "embedding") {
      item["object"] = "embedding";
      isChanged = true;
    }
    const vector = encodeVector(item["embedding"], wishes);
    isChanged ||= vector !== item["embedding"];
    item["embedding"] = vector;
  }
  return isChanged;
}

const BYTES_PER_NUMBER = 4;

function encodeVector(vector: unknown, { encoding, dimensions }: EmbeddingWishes): unknown {
  const isText = typeof vector === "string";
  if (!isText && !Array.isArray(vector)) throw new UpstreamError("invalid", "A vector of the answer is none.");
  const length = isText ? Buffer.byteLength(vector, "base64") / BYTES_PER_NUMBER : vector.length;
  if (dimensions !== null && length !== dimensions) throw ignoredDimensions(length, dimensions);
  if (isText === (encoding === "base64")) return vector;
  return isText ? decodeBase64(vector) : encodeBase64(vector);
}

function decodeBase64(text: string): readonly number[] {
  const bytes = Buffer.from(text, "base64");
  const length = Math.floor(bytes.length / BYTES_PER_NUMBER);
  return Array.from({ length }, (_, index) => bytes.readFloatLE(index * BYTES_PER_NUMBER));
}

function encodeBase64(vector: readonly unknown[]): string {
  const bytes = Buffer.alloc(vector.length * BYTES_PER_NUMBER);
  for (const [index, value] of vector.entries()) {
    if (typeof value !== "number") throw new UpstreamError("invalid", "A vector of the answer holds no numbers.");
    bytes.writeFloatLE(value, index * BYTES_PER_NUMBER);
  }
  return bytes.toString("base64");
}

function ignoredDimensions(length: number, dimensions: number): AiError {
  const message = `The model made vectors of ${length} numbers where 'dimensions' is ${dimensions}: it does not support 'dimensions'.`;
  return new AiError("unsupported_parameter", message, { param: "dimensions" });
}
