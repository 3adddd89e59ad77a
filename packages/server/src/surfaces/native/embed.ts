/** Texts to vectors, as `POST /embeddings` makes them. */

import { AiError, embeddingCalls } from "@openai-compat/core";
import type { AiService, UpstreamRun } from "@openai-compat/core";
import { createEmbeddingResponseSchema } from "@openai-compat/spec";
import type { EmbedAnswer, EmbedInput } from "@openai-compat/spec";
import { decodeEmbedding } from "../openai/embeddings/decode.ts";
import { decodeUpstreamEmbedding } from "../openai/embeddings/decode-upstream.ts";
import type { NativeCall } from "./native-handlers.ts";
import { prepareUpstream } from "../openai/upstream/prepare-upstream.ts";

/** @throws AiError what refuses an embedding request */
export async function embed(
  { model = "default", input, dimensions }: EmbedInput,
  call: NativeCall,
  service: AiService,
): Promise<EmbedAnswer> {
  const body = { model, input, dimensions, encoding_format: "float" };
  const routed = service.route(call.authorised, embeddingCalls, model);
  if (routed.route === "upstream") {
    return readAnswer(await routed.run(await prepareUpstream(body, decodeUpstreamEmbedding, call)));
  }
  const { modelId, vectors, promptTokens } = await routed.run(decodeEmbedding(body).request);
  return { modelId, vectors: vectors.map((vector) => Array.from(vector)), usage: { inputTokens: promptTokens } };
}

function readAnswer(run: UpstreamRun): EmbedAnswer {
  const text = run.kind === "whole" ? Buffer.from(run.body).toString() : "";
  const answer = createEmbeddingResponseSchema.safeParse(parse(text));
  if (!answer.success) throw noVectors(answer.error);
  const { data, usage } = answer.data;
  const ordered = data.toSorted((a, b) => a.index - b.index);
  return {
    modelId: run.modelId,
    vectors: ordered.map(({ embedding }) => (typeof embedding === "string" ? decodeVector(embedding) : embedding)),
    usage: { inputTokens: usage.prompt_tokens },
  };
}

function parse(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch (thrown) {
    throw noVectors(thrown);
  }
}

const BYTES_PER_NUMBER = 4;

/** Some upstreams know no other format. */
function decodeVector(base64: string): number[] {
  const bytes = Buffer.from(base64, "base64");
  return Array.from({ length: Math.floor(bytes.length / BYTES_PER_NUMBER) }, (_, index) =>
    bytes.readFloatLE(index * BYTES_PER_NUMBER),
  );
}

function noVectors(cause: unknown): AiError {
  return new AiError("upstream_failed", "The upstream's answer holds no vectors. Please try again.", { cause });
}
