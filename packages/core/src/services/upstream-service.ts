/** Upstream calls between admission and engine: estimates their cost, and meters their usage. */

import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { Calls, RunFacts } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type { UsageUnits } from "../usage.ts";
import type { UpstreamBody, UpstreamEngine, UpstreamEvent, UpstreamRequest } from "../engine/upstream-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import { MODEL_OPERATIONS, isModelRequest } from "../operations.ts";
import type { ModelOperationId, ModelRequestId } from "../model-operation-id.ts";
import type { CostEstimate, RunEvents } from "../pipeline.ts";
import type { UpstreamCallRequest, RequestBounds, UpstreamRun } from "./upstream-request.ts";

/**
 * What a template adds to a prompt: its markers are shorter than JSON's, but a default system prompt and instructions
 * for tools are not.
 */
const TEMPLATE_TOKENS = 1024;

/**
 * What an upstream is asked for to serve an operation; null where there is nothing to ask for. Nothing counts the tokens
 * of a chat before it is answered: who is to count those of a bridged response has to refuse it.
 */
export function resolveSentAs(engine: UpstreamEngine, operation: ModelOperationId): ModelRequestId | null {
  // A compaction is made by a response.
  const asked = operation === "Compactconversation" ? "createResponse" : operation;
  if (!isModelRequest(asked)) return null;
  const { operations, bridgesResponses } = engine;
  const isBridged = OF_RESPONSES.has(asked) && !operations.has(asked) && bridgesResponses;
  return isBridged && operations.has("createChatCompletion") ? "createChatCompletion" : asked;
}

const OF_RESPONSES: ReadonlySet<ModelRequestId> = new Set(["createResponse", "Getinputtokencounts"]);

/**
 * Calls that are forwarded to the upstream of a model.
 *
 * @param sentAs what the upstream is asked for; the call counts as one of `operation`
 */
export function upstreamCalls(
  operation: ModelOperationId,
  sentAs: ModelRequestId,
): Calls<UpstreamCallRequest, UpstreamRun> {
  return defineCalls({
    operation,
    isServedBy: (engine): engine is UpstreamEngine => engine.type === "upstream" && engine.operations.has(sentAs),
    prepare: async (engine: UpstreamEngine, request: UpstreamCallRequest): Promise<PreparedUpstreamCall> => ({
      operation: sentAs,
      engine,
      request,
    }),
    estimate: estimateUpstreamCall,
    run: runUpstreamCall,
    start: startUpstreamRun,
  });
}

interface PreparedUpstreamCall {
  /** What the upstream is asked for. */
  readonly operation: ModelRequestId;
  readonly engine: UpstreamEngine;
  readonly request: UpstreamCallRequest;
}

export function estimateUpstreamCall(prepared: PreparedUpstreamCall): CostEstimate {
  const { stream: streamed } = prepared.request;
  return { maxUsage: boundUsage(prepared), expectedTokens: estimateTokens(prepared), streamed, relaxed: [] };
}

/**
 * The most that the upstream can use, as far as is known before the call. Prompts count once for each answer: some
 * upstreams make several answers by several calls.
 */
function boundUsage({ operation, engine, request: { bounds } }: PreparedUpstreamCall): UsageUnits {
  const { contextTokens, completionTokensMax } = engine.limits;
  const { prompts, answers, audioMsMax: audioMs, characters } = bounds;
  const sent = { ...NO_USAGE, audioMs, characters };
  const inputTokens = answers * boundPrompts(bounds, contextTokens);
  switch (MODEL_OPERATIONS[operation].tokensBoundedBy) {
    case "prompt-and-answer": {
      // Some upstreams read a limit of 0 as none.
      const limit = Math.min(bounds.outputTokensMax || completionTokensMax, contextTokens);
      const outputTokens = prompts * answers * (limit + Math.min(bounds.unlimitedOutputTokens, contextTokens));
      return { ...sent, inputTokens, outputTokens };
    }
    case "prompt":
      return { ...sent, inputTokens };
    // Where tokens have no price, these cost nothing.
    case "context":
      return { ...sent, inputTokens: contextTokens, outputTokens: contextTokens };
    case "nothing":
      return NO_USAGE;
  }
}

function boundPrompts({ inputBytes, prompts }: RequestBounds, contextTokens: number): number {
  const contexts = prompts * contextTokens;
  return inputBytes === null ? contexts : Math.min(inputBytes + prompts * TEMPLATE_TOKENS, contexts);
}

/** Counts against tokens per minute until the upstream reports its usage. */
function estimateTokens({ operation, engine, request }: PreparedUpstreamCall): number {
  const { inputBytes, prompts, outputTokensMax, answers } = request.bounds;
  const { tokensBoundedBy } = MODEL_OPERATIONS[operation];
  if (tokensBoundedBy === "nothing") return 0;
  const input = Math.ceil((inputBytes ?? 0) / BYTES_PER_TOKEN);
  return tokensBoundedBy === "prompt-and-answer"
    ? input + prompts * answers * Math.min(outputTokensMax ?? 0, engine.limits.contextTokens)
    : input;
}

/** Of English text; only an expectation. */
const BYTES_PER_TOKEN = 4;

/** Runs an admitted call up to the first byte of its answer; to the end of a non-streaming answer. */
async function startUpstreamRun(
  events: RunEvents<UpstreamEvent>,
  _prepared: PreparedUpstreamCall,
  { modelId, checkpoint }: RunFacts,
): Promise<UpstreamRun> {
  const { value: first } = await events.next();
  if (first?.type === "upstream-start") {
    const { contentType, droppedParameters } = first;
    return { modelId, checkpoint, contentType, droppedParameters, kind: "chunks", chunks: takeChunks(events) };
  }
  const isOver = (await events.next()).done === true;
  if (first?.type === "upstream-whole" && isOver) {
    const { contentType, droppedParameters, bytes } = first;
    return { modelId, checkpoint, contentType, droppedParameters, kind: "whole", body: bytes };
  }
  await events.return();
  throw new AiError("upstream_failed", "The upstream's answer ended before it began. Please try again.");
}

/**
 * Passes on the upstream's events and meters their usage. When the client disconnects, the engine may still report what
 * the call has used: the report is awaited, for a time that the engine bounds.
 */
async function* runUpstreamCall(
  call: AdmittedCall<RegisteredModel>,
  prepared: PreparedUpstreamCall,
): AsyncGenerator<UpstreamEvent, void> {
  const { engine, request } = prepared;
  const meter = createUpstreamMeter(call, request);
  const forward = (body: UpstreamBody) => {
    const sent = { ...prepared, request: { ...request, body } };
    return engine.forward(toEngineRequest(call, sent), call.signal)[Symbol.asyncIterator]();
  };
  const { events, first } = await forwardShortened(request, forward);
  // What throws is over as well.
  let isOver = true;
  try {
    for (let next = first; next.done !== true; next = await events.next()) {
      isOver = false;
      meter(next.value);
      yield next.value;
      isOver = true;
    }
  } finally {
    if (!isOver) {
      call.abandon();
      await takeRest(events, meter);
    }
  }
}

interface Forwarded {
  readonly events: AsyncIterator<UpstreamEvent, void>;
  readonly first: IteratorResult<UpstreamEvent, void>;
}

/** What is refused for its length has used nothing, so that a shorter body goes out as the same call. */
async function forwardShortened(
  { body, shorten = () => null }: UpstreamCallRequest,
  forward: (body: UpstreamBody) => AsyncIterator<UpstreamEvent, void>,
): Promise<Forwarded> {
  let sent: UpstreamBody = body;
  for (;;) {
    const events = forward(sent);
    try {
      return { events, first: await events.next() };
    } catch (thrown) {
      const isTooLong = thrown instanceof AiError && thrown.code === "context_length_exceeded";
      const shorter = isTooLong ? shorten(thrown) : null;
      if (shorter === null) throw thrown;
      sent = shorter;
    }
  }
}

/** Meters what comes after the client disconnected; the call's outcome is known already. */
async function takeRest(
  events: AsyncIterator<UpstreamEvent, void>,
  meter: (event: UpstreamEvent) => void,
): Promise<void> {
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) meter(next.value);
  } catch {
    // The signal's reason, or a failure that can't be reported any more.
  }
}

function toEngineRequest(
  call: AdmittedCall<RegisteredModel>,
  { operation, request }: PreparedUpstreamCall,
): UpstreamRequest {
  const { path, body, stream, includeUsage, traceParent } = request;
  const { outputTokensMax } = request.bounds;
  return { operation, path, body, stream, includeUsage, traceParent, outputTokensMax, modelId: call.model.id };
}

function createUpstreamMeter(
  { meter }: AdmittedCall<RegisteredModel>,
  request: UpstreamCallRequest,
): (event: UpstreamEvent) => void {
  // The input's size is known here; the upstream's report of it is ignored.
  const { audioMs, characters } = request.bounds;
  const known = { audioMs, characters };
  return (event) => {
    if (event.type === "upstream-start" || !isProduced(event.usage, known)) return;
    meter.report({ ...event.usage, audioMs: event.usage.audioMs || audioMs, characters }, event.source);
  };
}

/** Audio is transcribed, and speech is made, as soon as anything of it has come. */
function isProduced(usage: UsageUnits, known: Pick<UsageUnits, "audioMs" | "characters">): boolean {
  return usage.outputTokens + usage.inputTokens + known.audioMs + known.characters > 0;
}

/** Not a generator: one that is left before its first item would not leave the events either. */
function takeChunks(events: RunEvents<UpstreamEvent>): AsyncIterableIterator<Uint8Array> {
  const chunks: AsyncIterableIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const { done, value } = await events.next();
        if (done === true) return { done: true, value: undefined };
        if (value.type === "upstream-data") return { value: value.bytes };
      }
    },
    async return() {
      await events.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => chunks,
  };
  return chunks;
}
