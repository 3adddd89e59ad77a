/** An answer in one JSON object: read whole, checked, put into OpenAI's format; as a stream where one was requested. */

import { AiError, MODEL_OPERATIONS, NO_USAGE, answersWithChunks } from "@openai-compat/core";
import type {
  ChunkOperationId,
  ModelOperation,
  UpstreamEvent,
  UpstreamRequest,
  UsageSource,
  UsageUnits,
} from "@openai-compat/core";
import type { AnswerTranslator, TranslatorOptions } from "./answer-translator.ts";
import { createChunkReader } from "./chunk-reader.ts";
import { decodeAnswerUsage } from "./decode-usage.ts";
import { bytesToTokens, estimateInputTokens, estimateOutputTokens } from "./estimate-tokens.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { createModelReplacer } from "./model-replacer.ts";
import { isNormalAnswer, normaliseAnswer, tooFewChoices } from "./normalise-answer.ts";
import { normaliseEmbeddings, readEmbeddingWishes } from "./normalise-embeddings.ts";
import { encodeUsage, isIndex } from "./normalise-fields.ts";
import { normaliseResponse } from "./normalise-response.ts";
import { type ParsedAnswer, parseAnswer } from "./parse-answer.ts";
import { fillIn } from "./usage-counter.ts";
import { UpstreamError } from "./upstream-error.ts";

export type WholeOptions = Omit<TranslatorOptions, "eventBytesMax">;

export function createJsonTranslator(options: WholeOptions): AnswerTranslator {
  const { request } = options;
  const chunks: Uint8Array[] = [];
  return {
    push(more) {
      chunks.push(...more);
      return [];
    },
    end() {
      const parsed = parseAnswer(Buffer.concat(chunks), options);
      return request.stream ? encodeAsStream(parsed.value, options) : encodeWhole(parsed, options);
    },
    isComplete: () => false,
    awaitsUsage: () => chunks.length > 0,
    abandon: () => ({ type: "upstream-end", usage: estimateUnfinished(request, chunks), source: "estimated" }),
  };
}

function estimateUnfinished(request: UpstreamRequest, chunks: readonly Uint8Array[]): UsageUnits {
  const bytes = answersWithChunks(request.operation) ? chunks.reduce((total, chunk) => total + chunk.length, 0) : 0;
  return { ...NO_USAGE, inputTokens: estimateInputTokens(request), outputTokens: bytesToTokens(bytes) };
}

/** An answer that ignored a parameter has been computed all the same, so it is charged before it is refused. */
export function* encodeWhole(parsed: ParsedAnswer, options: WholeOptions): Generator<UpstreamEvent> {
  const { request, droppedParameters } = options;
  const { usage, source } = readUsage(parsed.value, options);
  let text: string;
  try {
    text = normaliseWhole(parsed, request, usage);
  } catch (thrown) {
    if (thrown instanceof AiError) yield { type: "upstream-end", usage, source };
    throw thrown;
  }
  const bytes = Buffer.from(text);
  yield { type: "upstream-whole", contentType: "application/json", droppedParameters, bytes, usage, source };
}

function normaliseWhole(parsed: ParsedAnswer, request: UpstreamRequest, usage: UsageUnits): string {
  const { operation } = request;
  if (answersWithChunks(operation)) return normaliseChoices(parsed, { request, operation, usage });
  return NORMALISERS[MODEL_OPERATIONS[operation].answer](parsed, request, usage);
}

type Normaliser = (parsed: ParsedAnswer, request: UpstreamRequest, usage: UsageUnits) => string;

const NORMALISERS: Readonly<Record<Exclude<ModelOperation["answer"], "chunks" | "frames" | "composed">, Normaliser>> = {
  vectors: normaliseVectors,
  text({ text, value }, { modelId }) {
    if (typeof value["text"] !== "string") throw new UpstreamError("invalid", "The answer has no text.");
    return createModelReplacer(modelId)(text, value);
  },
  items: ({ value }, { modelId }, usage) => JSON.stringify(normaliseResponse(value, modelId, usage)),
  count({ value }) {
    const { input_tokens: count } = value;
    if (!isIndex(count)) throw new UpstreamError("invalid", "The answer has no number of tokens.");
    return JSON.stringify({ object: "response.input_tokens", input_tokens: count });
  },
  bytes() {
    throw new UpstreamError("invalid", "The answer is application/json, which was not requested.");
  },
};

interface ChoicesOptions {
  readonly request: UpstreamRequest;
  readonly operation: ChunkOperationId;
  readonly usage: UsageUnits;
}

function normaliseChoices({ text, value }: ParsedAnswer, { request, operation, usage }: ChoicesOptions): string {
  const { modelId } = request;
  const reported = readReported(value);
  if (isCounted(reported, usage) && isNormalAnswer(value, operation) && hasRequested(value["choices"], request)) {
    return createModelReplacer(modelId)(text, value);
  }
  const answer = normaliseAnswer(value, operation, modelId);
  answer["choices"] = takeRequested(answer["choices"], request);
  return JSON.stringify({ ...answer, usage: encodeUsage(reported, usage) });
}

function normaliseVectors(
  { text, value }: ParsedAnswer,
  request: UpstreamRequest,
  { inputTokens }: UsageUnits,
): string {
  const { modelId: model, body } = request;
  const isChanged = normaliseEmbeddings(value, readEmbeddingWishes(body.kind === "json" ? body.value : {}));
  const reported = readReported(value);
  if (!isChanged && isCounted(reported, { inputTokens, outputTokens: 0 }) && value["model"] !== undefined) {
    return createModelReplacer(model)(text, value);
  }
  const usage = { ...reported, prompt_tokens: inputTokens, total_tokens: inputTokens };
  return JSON.stringify({ ...value, model, usage });
}

function readReported({ usage }: JsonRecord): JsonRecord | null {
  return isRecord(usage) ? usage : null;
}

/** Whether the upstream's own counts are what is charged, and their sum is right. */
function isCounted(
  reported: JsonRecord | null,
  { inputTokens, outputTokens }: Pick<UsageUnits, "inputTokens" | "outputTokens">,
): boolean {
  if (reported === null || reported["prompt_tokens"] !== inputTokens) return false;
  return (
    (reported["completion_tokens"] ?? 0) === outputTokens && reported["total_tokens"] === inputTokens + outputTokens
  );
}

function countRequested({ body }: UpstreamRequest): number {
  return body.kind === "json" && typeof body.value["n"] === "number" ? body.value["n"] : 1;
}

function hasRequested(choices: unknown, request: UpstreamRequest): boolean {
  return Array.isArray(choices) && choices.length === countRequested(request);
}

/** As many choices as were requested. @throws AiError when there are fewer */
function takeRequested(choices: unknown, request: UpstreamRequest): unknown {
  const { operation } = request;
  const n = countRequested(request);
  if (!Array.isArray(choices)) return choices;
  if (choices.length < n) throw tooFewChoices(choices.length, n);
  return operation === "createChatCompletion" ? choices.slice(0, n) : choices;
}

/** The upstream's counts; an estimate where they are missing. */
function readUsage(
  answer: JsonRecord,
  { request, zeroUsageBelieved }: WholeOptions,
): { readonly usage: UsageUnits; readonly source: UsageSource } {
  if (MODEL_OPERATIONS[request.operation].tokensBoundedBy === "nothing") return { usage: NO_USAGE, source: "reported" };
  const estimate = () => ({
    ...NO_USAGE,
    inputTokens: estimateInputTokens(request),
    outputTokens: estimateOutputTokens(answer),
  });
  const reported = withoutOutput(decodeAnswerUsage(answer), request);
  if (reported === null) return { usage: estimate(), source: "estimated" };
  if (zeroUsageBelieved) return { usage: reported, source: "reported" };
  const usage = fillIn(reported, estimate);
  return { usage, source: usage === reported ? "reported" : "estimated" };
}

/** Vectors have no output: what a total counts beyond the prompt is more of the prompt, as the caller is shown. */
function withoutOutput(reported: UsageUnits | null, { operation }: UpstreamRequest): UsageUnits | null {
  if (reported === null || reported.outputTokens === 0 || MODEL_OPERATIONS[operation].answer !== "vectors") {
    return reported;
  }
  return { ...reported, inputTokens: reported.inputTokens + reported.outputTokens, outputTokens: 0 };
}

/** One chunk for each choice, as if it had been streamed. */
function* encodeAsStream(answer: JsonRecord, options: WholeOptions): Generator<UpstreamEvent> {
  const { request, zeroUsageBelieved, droppedParameters } = options;
  const { operation } = request;
  if (!answersWithChunks(operation)) {
    throw new UpstreamError("invalid", "The answer is application/json, which was not requested.");
  }
  const { usage, choices, ...base } = normaliseAnswer(answer, operation, request.modelId);
  const reader = createChunkReader({ request, operation, zeroUsageBelieved });
  const frames: string[] = [];
  for (const choice of Array.isArray(choices) ? choices.filter(isRecord) : []) {
    const { message, ...rest } = choice;
    const chunk = { ...base, choices: [message === undefined ? rest : { ...rest, delta: message }], usage };
    frames.push(...reader.read("", chunk));
  }
  const events = [...frames, ...reader.end(true), "[DONE]"];
  const bytes = Buffer.from(events.map((data) => `data: ${data}\n\n`).join(""));
  const used = reader.usage(true);
  yield { type: "upstream-start", contentType: "text/event-stream", droppedParameters };
  const source = reader.source();
  yield { type: "upstream-data", bytes, usage: used, source };
  yield { type: "upstream-end", usage: used, source };
}
