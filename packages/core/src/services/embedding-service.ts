/** Embeddings between admission and engine: refuses what the model can't take, and puts the vectors in order. */

import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { RunFacts } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type { EmbeddingEngine, EmbeddingInput, EmbeddingVector, PreparedInput } from "../engine/embedding-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { CostEstimate } from "../pipeline.ts";
import { CHARACTERS_PER_TOKEN_MAX, knownContextTokens, learnContextTokens } from "./context-length.ts";

export interface EmbeddingRequest {
  /** At least one. */
  readonly inputs: readonly EmbeddingInput[];
  /** Requested number of dimensions, at least 1; null for all of the model's. */
  readonly dimensions: number | null;
}

export interface EmbeddingResult {
  /** The id of the model that served the call, whatever the request called it. */
  readonly modelId: string;
  /** One for each input, in their order; each of length 1. */
  readonly vectors: readonly Float32Array<ArrayBuffer>[];
  /** All inputs together. */
  readonly promptTokens: number;
}

/** Inputs that the model can take: tokenised, and with nothing left to refuse. */
interface PreparedEmbedding {
  readonly engine: EmbeddingEngine;
  readonly request: EmbeddingRequest;
  readonly inputs: readonly PreparedInput[];
  readonly promptTokens: number;
}

/** One vector for each input, in their order. */
export const embeddingCalls = defineCalls({
  operation: "createEmbedding",
  isServedBy: (engine) => engine.type === "embedding",
  prepare: prepareEmbedding,
  estimate: estimateEmbedding,
  run: runEmbedding,
  start: collectEmbedding,
});

/** @throws AiError `context_length_exceeded`, `unsupported_parameter`, and what the engine refuses */
async function prepareEmbedding(
  engine: EmbeddingEngine,
  request: EmbeddingRequest,
  signal: AbortSignal,
): Promise<PreparedEmbedding> {
  const known = knownContextTokens(engine);
  for (const [index, input] of request.inputs.entries()) {
    const tokensMin = typeof input === "string" ? Math.floor(input.length / CHARACTERS_PER_TOKEN_MAX) : input.length;
    if (tokensMin > known) throw inputTooLong(request, index, { contextTokens: known, tokens: tokensMin });
  }
  const { inputs, dimensions, contextTokens } = await engine.prepare(request.inputs, signal);
  learnContextTokens(engine, contextTokens);
  for (const [index, { tokens }] of inputs.entries()) {
    if (tokens.length > contextTokens) throw inputTooLong(request, index, { contextTokens, tokens: tokens.length });
  }
  checkDimensions(request.dimensions, dimensions, engine.isTruncatable);
  return { engine, request, inputs, promptTokens: inputs.reduce((sum, { tokens }) => sum + tokens.length, 0) };
}

/** Exactly what the call uses, when it ends well. */
function estimateEmbedding({ promptTokens }: PreparedEmbedding): CostEstimate {
  const maxUsage = { ...NO_USAGE, inputTokens: promptTokens };
  return { maxUsage, expectedTokens: promptTokens, streamed: false, relaxed: [] };
}

/** Runs an admitted call. Each vector is paid for when it is there. */
async function* runEmbedding(
  call: AdmittedCall<RegisteredModel>,
  { engine, request, inputs }: PreparedEmbedding,
): AsyncGenerator<EmbeddingVector, void> {
  let inputTokens = 0;
  for await (const { index, vector } of engine.embed(inputs, call.signal)) {
    inputTokens += inputs[index]?.tokens.length ?? 0;
    call.meter.report({ ...NO_USAGE, inputTokens });
    yield { index, vector: cutVector(vector, request.dimensions) };
  }
}

/** @throws AiError `engine_failed` when an input has no vector: a gap must not shift those that follow. */
async function collectEmbedding(
  events: AsyncIterable<EmbeddingVector>,
  { inputs, promptTokens }: PreparedEmbedding,
  { modelId }: RunFacts,
): Promise<EmbeddingResult> {
  const byIndex = new Map<number, Float32Array<ArrayBuffer>>();
  for await (const { index, vector } of events) byIndex.set(index, vector);
  const vectors = inputs.map((_, index) => {
    const vector = byIndex.get(index);
    if (vector === undefined) throw new AiError("engine_failed", "The model gave no vector for one of the inputs.");
    return vector;
  });
  return { modelId, vectors, promptTokens };
}

function checkDimensions(requested: number | null, dimensions: number, isTruncatable: boolean): void {
  if (requested === null || requested === dimensions) return;
  if (requested > dimensions) {
    const message = `The model has ${dimensions} dimensions, fewer than the ${requested} that were asked for.`;
    throw new AiError("invalid_value", message, { param: "dimensions" });
  }
  if (isTruncatable) return;
  const message =
    `This model was not trained to give fewer than its ${dimensions} dimensions, so cut vectors would mislead. ` +
    "Leave 'dimensions' out.";
  throw new AiError("unsupported_parameter", message, { param: "dimensions" });
}

/** The first dimensions, of length 1 again. */
function cutVector(vector: Float32Array<ArrayBuffer>, dimensions: number | null): Float32Array<ArrayBuffer> {
  if (dimensions === null || dimensions === vector.length) return vector;
  const cut = vector.slice(0, dimensions);
  const length = Math.hypot(...cut);
  return length === 0 ? cut : cut.map((value) => value / length);
}

/** In the words that clients of OpenAI look for. */
function inputTooLong(
  { inputs }: EmbeddingRequest,
  index: number,
  { contextTokens, tokens }: { readonly contextTokens: number; readonly tokens: number },
): AiError {
  const message =
    `This model's maximum context length is ${contextTokens} tokens. However, an input has at least ${tokens} tokens. ` +
    "Please reduce the length of the input.";
  return new AiError("context_length_exceeded", message, { param: inputs.length === 1 ? "input" : `input[${index}]` });
}
