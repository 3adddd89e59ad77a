/**
 * The only door to the models. Surfaces (HTTP, and whatever comes beside it) call this and nothing below it; no wire
 * object enters and none leaves.
 */

import { randomBytes } from "node:crypto";
import { AiError, toAiError } from "./ai-error.ts";
import { createModelQueues } from "./admission/model-queues.ts";
import type { QueueStatus } from "./admission/model-queues.ts";
import type { RateLimits } from "./admission/rate-limits.ts";
import type { AdmittedCall, AuthorisedCall, ResolvedCall } from "./call.ts";
import type { CallRecord } from "./call-record.ts";
import { createBilling } from "./credits/billing.ts";
import { isFree } from "./credits/prices.ts";
import type { UpstreamStatus } from "./engine/relay-engine.ts";
import type { ModelDescription, ModelRegistry, RegisteredModel } from "./models/registry.ts";
import { MODEL_OPERATIONS } from "./operations.ts";
import type { ModelOperationId, ModelType } from "./operations.ts";
import { admit, resolveModel, runAdmitted } from "./pipeline.ts";
import type { Demand } from "./pipeline.ts";
import type { ChatRequest, ChatRun } from "./services/chat-request.ts";
import { boundChat, prepareChat, runChat } from "./services/chat-service.ts";
import type { CompletionRequest, CompletionRun } from "./services/completion-request.ts";
import { boundCompletion, prepareCompletion, runCompletion } from "./services/completion-service.ts";
import { boundEmbedding, collectEmbedding, prepareEmbedding, runEmbedding } from "./services/embedding-service.ts";
import type { EmbeddingRequest, EmbeddingResult } from "./services/embedding-service.ts";
import { primeStream } from "./services/primed-stream.ts";
import type { RelayCall, RelayRun } from "./services/relay-request.ts";
import {
  boundRelay,
  expectRelayedTokens,
  isOffered,
  noModelFor,
  requireRelay,
  runRelay,
  startRelay,
} from "./services/relay-service.ts";
import type { CreditStore } from "./store/credit-store.ts";

export interface AiService {
  listModels(call: AuthorisedCall): readonly ModelDescription[];
  /** @throws AiError `model_not_found` */
  retrieveModel(call: AuthorisedCall, id: string): ModelDescription;
  /**
   * Refuses what no model offers, before the body of a request is read.
   *
   * @throws AiError `not_implemented`
   */
  requireOffered(operation: ModelOperationId): void;
  /**
   * Refuses an account without credits before the body of a request is read, where no model of the operation is free.
   *
   * @throws AiError `quota_exceeded`, `billing_unavailable`
   */
  requireCredits(call: AuthorisedCall, operation: ModelOperationId): Promise<void>;
  /** Whether requests for this model go to an upstream as they are; false for a model that is not there. */
  isRelayed(selector: string, type: ModelType): boolean;
  /**
   * Resolves once the call is admitted, so that every refusal is thrown here, before any byte of an answer.
   *
   * @throws AiError `model_not_found`, `context_length_exceeded`, `rate_limited`, `quota_exceeded`, `queue_full`,
   *   `queue_timeout`, `engine_unavailable`, `invalid_request`, `invalid_value`, `cancelled`, `shutting_down`, and
   *   `limits_unavailable`, `billing_unavailable` when a store fails
   */
  chat(call: AuthorisedCall, request: ChatRequest): Promise<ChatRun>;
  /**
   * Goes on with texts, by an engine of this machine. It resolves as `chat` does.
   *
   * @throws AiError what `chat` throws, and `unsupported_parameter` for a suffix that the model can't write towards
   */
  complete(call: AuthorisedCall, request: CompletionRequest): Promise<CompletionRun>;
  /**
   * One vector for each input, by an engine of this machine.
   *
   * @throws AiError what `chat` throws, and `unsupported_parameter` for dimensions that the model was not trained for
   */
  embed(call: AuthorisedCall, request: EmbeddingRequest): Promise<EmbeddingResult>;
  /**
   * Resolves once the upstream has begun a good answer.
   *
   * @throws AiError as `chat`, `not_implemented`, and what the upstream refused or how it failed
   */
  relay(call: AuthorisedCall, request: RelayCall): Promise<RelayRun>;
  /** How busy each model is. */
  queues(): readonly QueueStatus[];
  /** How each place fares where a model elsewhere is served. */
  upstreams(): readonly ModelUpstreamStatus[];
  /** Settlements that have begun and not ended. */
  pendingSettlements(): number;
  /**
   * Refuses new calls and closes the engines; each engine lets its running generations end first. Then settlements that
   * are pending get a last time.
   */
  close(): Promise<void>;
}

export interface ModelUpstreamStatus extends UpstreamStatus {
  readonly modelId: string;
}

export interface AiServiceOptions {
  readonly registry: ModelRegistry;
  readonly credits: CreditStore;
  readonly rateLimits: RateLimits;
  /** How long an admitted call may take, in milliseconds. */
  readonly callTimeMsMax: number;
  /** Is told of every admitted call when it has ended. Default: nobody is. */
  readonly onCallEnd?: (record: CallRecord) => void;
  /** Called for a call that the store could not settle, with why and its request id; it is tried again. Default: ignored. */
  readonly onSettlementPending?: (error: AiError, requestId: string) => void;
  /** Called for a call that was not settled at all, or whose tokens per minute were not corrected, with why and its request id. */
  readonly onSettlementError: (error: AiError, requestId: string) => void;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** Between the end of a call's time and the end of its reservation: for the settlement itself, and for its retries. */
const SETTLEMENT_GRACE_MS = 60_000;

export function createAiService(options: AiServiceOptions): AiService {
  const { registry, now = Date.now } = options;
  const gate = createGate(options);
  const { chat, complete, embed, relay } = createCalls(gate, now);
  return {
    listModels: () => registry.list(),
    retrieveModel: (_call, id) => registry.find(id),
    requireOffered(operation) {
      if (!registry.list().some(({ engine }) => isOffered(engine, operation))) throw noModelFor(operation);
    },
    requireCredits: (call, operation) => gate.requireCredits(call, operation),
    isRelayed: (selector, type) => registry.lookUp(selector, type)?.engine.type === "relay",
    chat: (call, request) => chat(call, request).catch((thrown: unknown) => rethrow(thrown, call)),
    complete: (call, request) => complete(call, request).catch((thrown: unknown) => rethrow(thrown, call)),
    embed: (call, request) => embed(call, request).catch((thrown: unknown) => rethrow(thrown, call)),
    relay: (call, request) => relay(call, request).catch((thrown: unknown) => rethrow(thrown, call)),
    queues: () => gate.queues.status(),
    upstreams: () => registry.list().flatMap(({ id, engine }) => describeUpstreams(id, engine)),
    pendingSettlements: () => gate.billing.pendingSettlements,
    async close() {
      gate.close();
      await Promise.all(registry.list().map((model) => model.engine.close()));
      await gate.billing.close();
    },
  };
}

/** Each operation from an authorised call to its run. */
function createCalls({ resolve, admitTo }: Gate, now: () => number) {
  async function chat(call: AuthorisedCall, request: ChatRequest): Promise<ChatRun> {
    const resolved = await resolve(call, request.model, "chat");
    const { engine } = resolved.model;
    if (engine.type !== "chat") throw new AiError("internal", "A relayed model was asked to chat.");
    const prepared = await prepareChat(engine, request, call.signal);
    const bound = boundChat(prepared);
    const expectedTokens = bound.inputTokens + (request.tokensMax === null ? 0 : bound.outputTokens);
    const { model: selector, stream: streamed } = request;
    const { relaxed } = prepared;
    const admitted = await admitTo(resolved, { bound, expectedTokens, selector, streamed, relaxed });
    return {
      id: `chatcmpl-${randomBytes(16).toString("hex")}`,
      createdAtMs: now(),
      modelId: admitted.model.id,
      relaxed,
      events: await primeStream(runAdmitted(admitted, () => runChat(admitted, prepared))),
    };
  }

  async function complete(call: AuthorisedCall, request: CompletionRequest): Promise<CompletionRun> {
    const resolved = await resolve(call, request.model, "chat");
    const { engine } = resolved.model;
    if (engine.type !== "chat") throw new AiError("internal", "A relayed model was asked to complete.");
    const prepared = await prepareCompletion(engine, request, call.signal);
    const bound = boundCompletion(prepared);
    const { model: selector, stream: streamed } = request;
    const expectedTokens = bound.inputTokens + bound.outputTokens;
    const admitted = await admitTo(resolved, { bound, expectedTokens, selector, streamed, relaxed: [] });
    return {
      id: `cmpl-${randomBytes(16).toString("hex")}`,
      createdAtMs: now(),
      modelId: admitted.model.id,
      events: await primeStream(runAdmitted(admitted, () => runCompletion(admitted, prepared))),
    };
  }

  async function embed(call: AuthorisedCall, request: EmbeddingRequest): Promise<EmbeddingResult> {
    const resolved = await resolve(call, request.model, "embedding");
    const { engine } = resolved.model;
    if (engine.type !== "embedding") throw new AiError("internal", "A relayed model was asked to embed.");
    const prepared = await prepareEmbedding(engine, request, call.signal);
    const bound = boundEmbedding(prepared);
    const demand = { bound, expectedTokens: bound.inputTokens, selector: request.model, streamed: false };
    const admitted = await admitTo(resolved, { ...demand, relaxed: [] });
    const vectors = runAdmitted(admitted, () => runEmbedding(admitted, prepared));
    return collectEmbedding(vectors, prepared, admitted.model.id);
  }

  async function relay(call: AuthorisedCall, request: RelayCall): Promise<RelayRun> {
    const resolved = await resolve(call, request.model, MODEL_OPERATIONS[request.operation].modelType);
    const engine = requireRelay(resolved.model, request.operation);
    const admitted = await admitTo(resolved, {
      bound: boundRelay(engine, request),
      expectedTokens: expectRelayedTokens(engine, request),
      selector: request.model,
      streamed: request.stream,
      relaxed: [],
    });
    return startRelay(
      admitted,
      runAdmitted(admitted, () => runRelay(admitted, engine, request)),
    );
  }

  return { chat, complete, embed, relay };
}

type Gate = ReturnType<typeof createGate>;

/** The way from an authorised call to an admitted one, the same for every operation, until it is closed. */
function createGate(options: AiServiceOptions) {
  const { registry, rateLimits, callTimeMsMax, onCallEnd = () => {}, now = Date.now } = options;
  const { onSettlementPending = () => {}, onSettlementError } = options;
  const waitTimeMsMax = Math.max(0, ...registry.list().map((model) => model.queue.waitTimeMsMax));
  const holdLifetimeMs = waitTimeMsMax + callTimeMsMax + SETTLEMENT_GRACE_MS;
  const billing = createBilling({
    store: options.credits,
    holdLifetimeMs,
    now,
    onPending: onSettlementPending,
    onLost: onSettlementError,
  });
  const queues = createModelQueues(registry.list());
  /** Calls whose account was seen to have credits before their bodies were read. */
  const solvent = new WeakSet<AuthorisedCall>();
  let closing = false;

  async function requireCredits(call: AuthorisedCall, operation: ModelOperationId): Promise<void> {
    const offered = registry.list().filter(({ engine }) => isOffered(engine, operation));
    if (offered.length === 0 || offered.some(({ prices }) => isFree(prices))) return;
    await billing.requireCredits(call.principal.accountId);
    solvent.add(call);
  }

  /** The request counts against the account's limit, and an account without credits is refused, before any work. */
  async function resolve(call: AuthorisedCall, selector: string, type: ModelType) {
    if (closing) throw new AiError("shutting_down", "The server is shutting down. Please try again in a moment.");
    const resolved = resolveModel(call, registry, { selector, type });
    const { accountId } = call.principal;
    await rateLimits.takeRequest(accountId, call.onRateLimit);
    if (!solvent.has(call) && !isFree(resolved.model.prices)) await billing.requireCredits(accountId);
    return resolved;
  }

  function admitTo(resolved: ResolvedCall<RegisteredModel>, demand: Demand): Promise<AdmittedCall<RegisteredModel>> {
    const queue = queues.of(resolved.model);
    return admit(resolved, demand, { rateLimits, billing, queue, callTimeMsMax, now, onCallEnd, onSettlementError });
  }

  return { requireCredits, resolve, admitTo, queues, billing, close: () => void (closing = true) };
}

function describeUpstreams(modelId: string, engine: RegisteredModel["engine"]): readonly ModelUpstreamStatus[] {
  return engine.type === "relay" ? engine.upstreams().map((status) => ({ modelId, ...status })) : [];
}

function rethrow(thrown: unknown, call: AuthorisedCall): never {
  throw toAiError(thrown, call.signal);
}
