/** A relayed call between admission and upstream: bounds what it can cost, and counts what it did. */

import { AiError } from "../ai-error.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../credits/usage.ts";
import type { UsageUnits } from "../credits/usage.ts";
import type { RelayEngine, RelayEvent, RelayOperation } from "../engine/relay-engine.ts";
import type { Engine, ModelType, RegisteredModel } from "../models/registry.ts";
import type { RelayCall, RelayRun } from "./relay-request.ts";

/** The type of model that an operation needs. */
export const RELAYED_TYPES: Readonly<Record<RelayOperation, ModelType>> = {
  chat: "chat",
  completion: "chat",
  embedding: "embedding",
  transcription: "transcription",
  translation: "transcription",
  speech: "speech",
};

/** What templates add to a request's own text: their markers are shorter than JSON's, but a default system prompt is not. */
const TEMPLATE_TOKENS = 256;

/** What produces no text costs no output tokens. */
const GENERATES: ReadonlySet<RelayOperation> = new Set(["chat", "completion"]);

/** What an engine of this machine offers, each of its type. */
const OFFERED_HERE: Readonly<Record<Exclude<Engine["type"], "relay">, ReadonlySet<RelayOperation>>> = {
  chat: new Set(["chat", "completion"]),
  embedding: new Set(["embedding"]),
};

export function isOffered(engine: Engine, operation: RelayOperation): boolean {
  return (engine.type === "relay" ? engine.operations : OFFERED_HERE[engine.type]).has(operation);
}

/** @throws AiError `not_implemented` when the model can't do this operation. */
export function requireRelay(model: RegisteredModel, operation: RelayOperation): RelayEngine {
  const { engine } = model;
  if (engine.type === "relay" && isOffered(engine, operation)) return engine;
  throw new AiError("not_implemented", `The model '${model.id}' doesn't offer ${operation} on this server.`, {
    param: "model",
  });
}

export function noModelFor(operation: RelayOperation): AiError {
  const type = RELAYED_TYPES[operation];
  const advice = `Its operator can add one to the setting "models": "type": "${type}", "engine": { "kind": "upstream" }.`;
  return new AiError("not_implemented", `This server has no model for ${operation}. ${advice}`);
}

/** The most that the upstream can use for it, as far as can be known before it is asked. */
export function boundRelay(engine: RelayEngine, { operation, demand }: RelayCall): UsageUnits {
  const { contextTokens, completionTokensMax } = engine.limits;
  const { inputBytes, outputTokensMax, answers, audioMs, characters } = demand;
  const inputTokens = operation === "embedding" ? (inputBytes ?? 0) : boundPrompt(inputBytes, contextTokens);
  const outputTokens = answers * Math.min(outputTokensMax ?? completionTokensMax, contextTokens);
  switch (RELAYED_TYPES[operation]) {
    case "chat":
      return { ...NO_USAGE, inputTokens, outputTokens };
    case "embedding":
      return { ...NO_USAGE, inputTokens };
    case "transcription":
      return { ...NO_USAGE, audioMs };
    case "speech":
      return { ...NO_USAGE, characters };
  }
}

function boundPrompt(inputBytes: number | null, contextTokens: number): number {
  return inputBytes === null ? contextTokens : Math.min(inputBytes + TEMPLATE_TOKENS, contextTokens);
}

/** What counts against tokens per minute until the upstream has said what it really was. */
export function expectRelayedTokens(engine: RelayEngine, call: RelayCall): number {
  const { inputBytes, outputTokensMax, answers } = call.demand;
  const input = Math.ceil((inputBytes ?? 0) / BYTES_PER_TOKEN);
  return GENERATES.has(call.operation)
    ? input + answers * Math.min(outputTokensMax ?? 0, engine.limits.contextTokens)
    : input;
}

/** Of English text; only an expectation. */
const BYTES_PER_TOKEN = 4;

/** Runs an admitted relay up to its first byte; to its end where the answer is one piece. */
export async function startRelay(
  call: AdmittedCall<RegisteredModel>,
  events: AsyncGenerator<RelayEvent, void>,
): Promise<RelayRun> {
  const { value: first } = await events.next();
  const modelId = call.model.id;
  if (first?.type === "relay-start") {
    return { modelId, contentType: first.contentType, kind: "chunks", chunks: takeChunks(events) };
  }
  const isOver = (await events.next()).done === true;
  if (first?.type === "relay-whole" && isOver) {
    return { modelId, contentType: first.contentType, kind: "whole", body: first.bytes };
  }
  await events.return();
  throw new AiError("upstream_failed", "The upstream's answer ended before it began. Please try again.");
}

/** The upstream's events, with what they say of usage put on the meter. */
export async function* runRelay(
  call: AdmittedCall<RegisteredModel>,
  engine: RelayEngine,
  request: RelayCall,
): AsyncGenerator<RelayEvent, void> {
  const { operation, body, stream, includeUsage, traceParent } = request;
  const known = boundKnownUnits(request);
  const wanted = { operation, body, stream, includeUsage, traceParent, modelId: call.model.id };
  for await (const event of engine.relay(wanted, call.signal)) {
    if (event.type !== "relay-start" && isProduced(event.usage, known)) {
      call.meter.report({
        ...known,
        ...event.usage,
        audioMs: event.usage.audioMs || known.audioMs,
        characters: known.characters,
      });
    }
    yield event;
  }
}

/** What was sent in is known here, whatever the upstream says of it. */
function boundKnownUnits({ operation, demand }: RelayCall): Pick<UsageUnits, "audioMs" | "characters"> {
  const type = RELAYED_TYPES[operation];
  return {
    audioMs: type === "transcription" ? demand.audioMs : 0,
    characters: type === "speech" ? demand.characters : 0,
  };
}

/** Audio is transcribed, and speech is made, as soon as anything of it has come. */
function isProduced(usage: UsageUnits, known: Pick<UsageUnits, "audioMs" | "characters">): boolean {
  return usage.outputTokens + usage.inputTokens + known.audioMs + known.characters > 0;
}

/** Not a generator: one that is left before its first item would not leave the events either. */
function takeChunks(events: AsyncGenerator<RelayEvent, void>): AsyncIterableIterator<Uint8Array> {
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
