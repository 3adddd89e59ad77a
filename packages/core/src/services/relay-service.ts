/** A relayed call between admission and upstream: bounds what it can cost, and counts what it did. */

import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { Calls, RunFacts } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type { UsageUnits } from "../usage.ts";
import type { RelayEngine, RelayEvent, RelayRequest } from "../engine/relay-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import { MODEL_OPERATIONS } from "../operations.ts";
import type { ModelOperationId } from "../model-operation-id.ts";
import type { CostEstimate, RunEvents } from "../pipeline.ts";
import type { RelayCall, RelayDemand, RelayRun } from "./relay-request.ts";

/**
 * What a template adds to a prompt: its markers are shorter than JSON's, but a default system prompt and instructions for
 * tools are not.
 */
const TEMPLATE_TOKENS = 1024;

/** Calls that pass through to the upstream of a model. */
export function relayCalls(operation: ModelOperationId): Calls<RelayCall, RelayRun> {
  return defineCalls({
    operation,
    isServedBy: (engine): engine is RelayEngine => engine.type === "relay" && engine.operations.has(operation),
    prepare: async (engine: RelayEngine, request: RelayCall): Promise<PreparedRelay> => ({
      operation,
      engine,
      request,
    }),
    estimate: estimateRelay,
    run: runRelay,
    start: startRelay,
  });
}

interface PreparedRelay {
  readonly operation: ModelOperationId;
  readonly engine: RelayEngine;
  readonly request: RelayCall;
}

export function estimateRelay(relay: PreparedRelay): CostEstimate {
  const { stream: streamed } = relay.request;
  return { maxUsage: boundRelay(relay), expectedTokens: expectRelayedTokens(relay), streamed, relaxed: [] };
}

/**
 * The most that the upstream can use for it, as far as can be known before it is asked. Prompts count once for each
 * answer: some upstreams make several answers by several calls.
 */
function boundRelay({ operation, engine, request: { demand } }: PreparedRelay): UsageUnits {
  const { contextTokens, completionTokensMax } = engine.limits;
  const { prompts, answers, audioMsMax: audioMs, characters } = demand;
  const sent = { ...NO_USAGE, audioMs, characters };
  const inputTokens = answers * boundPrompts(demand, contextTokens);
  switch (MODEL_OPERATIONS[operation].tokensBoundedBy) {
    case "prompt-and-answer": {
      // Some upstreams read a limit of 0 as none.
      const limit = Math.min(demand.outputTokensMax || completionTokensMax, contextTokens);
      const outputTokens = prompts * answers * (limit + Math.min(demand.unlimitedOutputTokens, contextTokens));
      return { ...sent, inputTokens, outputTokens };
    }
    case "prompt":
      return { ...sent, inputTokens };
    // Where tokens have no price, these cost nothing.
    case "context":
      return { ...sent, inputTokens: contextTokens, outputTokens: contextTokens };
  }
}

function boundPrompts({ inputBytes, prompts }: RelayDemand, contextTokens: number): number {
  const contexts = prompts * contextTokens;
  return inputBytes === null ? contexts : Math.min(inputBytes + prompts * TEMPLATE_TOKENS, contexts);
}

/** What counts against tokens per minute until the upstream has said what it really was. */
function expectRelayedTokens({ operation, engine, request }: PreparedRelay): number {
  const { inputBytes, prompts, outputTokensMax, answers } = request.demand;
  const input = Math.ceil((inputBytes ?? 0) / BYTES_PER_TOKEN);
  return MODEL_OPERATIONS[operation].tokensBoundedBy === "prompt-and-answer"
    ? input + prompts * answers * Math.min(outputTokensMax ?? 0, engine.limits.contextTokens)
    : input;
}

/** Of English text; only an expectation. */
const BYTES_PER_TOKEN = 4;

/** Runs an admitted relay up to its first byte; to its end where the answer is one piece. */
async function startRelay(
  events: RunEvents<RelayEvent>,
  _prepared: PreparedRelay,
  { modelId }: RunFacts,
): Promise<RelayRun> {
  const { value: first } = await events.next();
  if (first?.type === "relay-start") {
    const { contentType, droppedParameters } = first;
    return { modelId, contentType, droppedParameters, kind: "chunks", chunks: takeChunks(events) };
  }
  const isOver = (await events.next()).done === true;
  if (first?.type === "relay-whole" && isOver) {
    const { contentType, droppedParameters, bytes } = first;
    return { modelId, contentType, droppedParameters, kind: "whole", body: bytes };
  }
  await events.return();
  throw new AiError("upstream_failed", "The upstream's answer ended before it began. Please try again.");
}

/**
 * The upstream's events, with what they report of usage put on the meter. When the client disconnects, the engine may still
 * say what the call has used: that is waited for, and the engine bounds how long.
 */
async function* runRelay(call: AdmittedCall<RegisteredModel>, relay: PreparedRelay): AsyncGenerator<RelayEvent, void> {
  const { engine, request } = relay;
  const events = engine.relay(toEngineRequest(call, relay), call.signal)[Symbol.asyncIterator]();
  const meter = createRelayMeter(call, request);
  // What throws is over as well.
  let isOver = true;
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) {
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

/** What comes after the client disconnected; how the call ends is known already. */
async function takeRest(events: AsyncIterator<RelayEvent, void>, meter: (event: RelayEvent) => void): Promise<void> {
  try {
    for (let next = await events.next(); next.done !== true; next = await events.next()) meter(next.value);
  } catch {
    // The signal's reason, or a failure that can't be reported any more.
  }
}

function toEngineRequest(call: AdmittedCall<RegisteredModel>, { operation, request }: PreparedRelay): RelayRequest {
  const { path, body, stream, includeUsage, traceParent } = request;
  const { outputTokensMax } = request.demand;
  return { operation, path, body, stream, includeUsage, traceParent, outputTokensMax, modelId: call.model.id };
}

function createRelayMeter({ meter }: AdmittedCall<RegisteredModel>, request: RelayCall): (event: RelayEvent) => void {
  // What was sent in is known here, whatever the upstream says of it.
  const { audioMs, characters } = request.demand;
  const known = { audioMs, characters };
  return (event) => {
    if (event.type === "relay-start" || !isProduced(event.usage, known)) return;
    meter.report({ ...event.usage, audioMs: event.usage.audioMs || audioMs, characters }, event.source);
  };
}

/** Audio is transcribed, and speech is made, as soon as anything of it has come. */
function isProduced(usage: UsageUnits, known: Pick<UsageUnits, "audioMs" | "characters">): boolean {
  return usage.outputTokens + usage.inputTokens + known.audioMs + known.characters > 0;
}

/** Not a generator: one that is left before its first item would not leave the events either. */
function takeChunks(events: RunEvents<RelayEvent>): AsyncIterableIterator<Uint8Array> {
  const chunks: AsyncIterableIterator<Uint8Array> = {
    async next() {
      for (;;) {
        const { done, value } = await events.next();
        if (done === true) return { done: true, value: undefined };
        if (value.type === "relay-data") return { value: value.bytes };
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
