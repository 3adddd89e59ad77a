/**
 * An embedding request to the service's terms. Undocumented parameters are ignored; `user` is a label without effect.
 */

import type { EmbeddingInput as ServiceInput, EmbeddingRequest } from "@openai-compat/core";
import { createEmbeddingRequestSchema } from "@openai-compat/spec";
import type { EmbeddingInput } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";

export type EncodingFormat = "float" | "base64";

export interface DecodedEmbedding {
  readonly request: EmbeddingRequest;
  readonly encodingFormat: EncodingFormat;
}

/** @throws AiError with status 400, `param` naming what is wrong. */
export function decodeEmbedding(body: unknown): DecodedEmbedding {
  checkEntries(body);
  const wire = decodeBody(createEmbeddingRequestSchema, body);
  return {
    request: { inputs: decodeInput(wire.input), dimensions: wire.dimensions ?? null },
    encodingFormat: wire.encoding_format ?? "float",
  };
}

/** A list of numbers is one input; any other list holds an input each. */
function decodeInput(input: EmbeddingInput): readonly ServiceInput[] {
  if (typeof input === "string") return [input];
  return isTokens(input) ? [input] : input;
}

function isTokens(input: Exclude<EmbeddingInput, string>): input is number[] {
  return typeof input[0] === "number";
}
