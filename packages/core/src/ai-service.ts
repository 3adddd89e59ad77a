/**
 * The only door to the models. Surfaces (HTTP, and whatever comes beside it) call this and nothing below it; no wire
 * object enters and none leaves.
 */

import { AiError, toAiError } from "./ai-error.ts";
import { createModelQueues } from "./admission/model-queues.ts";
import type { QueueStatus } from "./admission/model-queues.ts";
import type { RateLimits } from "./admission/rate-limits.ts";
import type { Calls } from "./call-kind.ts";
import type { AuthorisedCall, ResolvedCall } from "./call.ts";
import type { CallRecord } from "./call-record.ts";
import { createBilling } from "./credits/billing.ts";
import { isFree } from "./credits/prices.ts";
import type { Sampling } from "./engine/chat-engine.ts";
import type { UpstreamStatus } from "./engine/upstream-engine.ts";
import type { Engine, ModelType } from "./operations.ts";
import { createEngineUses } from "./models/engine-uses.ts";
import type { EngineUses } from "./models/engine-uses.ts";
import type { ModelDescription, ModelRegistry, RegisteredModel } from "./models/registry.ts";
import { MODEL_OPERATIONS } from "./operations.ts";
import type { ModelOperationId, ModelRequestId } from "./model-operation-id.ts";
import { admit, resolveCall } from "./pipeline.ts";
import type { AdmissionRequest, CallTarget, ServedBy } from "./pipeline.ts";
import type { UpstreamCallRequest, UpstreamRun } from "./services/upstream-request.ts";
import type { OpenRealtimeOptions, RealtimeSession } from "./realtime/realtime-session.ts";
import type { OpenRelayOptions, RelayedSession } from "./realtime/relayed-session.ts";
import { createRealtimeSessions } from "./realtime/realtime-sessions.ts";
import { isLive } from "./realtime/live-turn.ts";
import { resolveSentAs, upstreamCalls } from "./services/upstream-service.ts";
import { resolveTemperature } from "./services/sampling.ts";
import type { SamplingOptions } from "./services/sampling.ts";
import type { CreditStore } from "./store/credit-store.ts";

export interface AiService {
  listModels(call: AuthorisedCall): readonly ModelDescription[];
  /** @throws AiError `model_not_found` */
  retrieveModel(call: AuthorisedCall, id: string): ModelDescription;
  /**
   * What is refused before the body of a request is read: an operation that no model offers, where a server may go
   * without it, and an account without credits, where no model of the operation is free.
   *
   * @throws AiError `not_implemented`, `quota_exceeded`, `billing_unavailable`
   */
  admitBody(call: AuthorisedCall, operation: ModelOperationId): Promise<void>;
  /**
   * Looks up the model that a request names, and says by it how the request is to be decoded: for a local engine, or
   * for an upstream. Nothing is refused yet, so that what is wrong with the request comes first; a model that is not
   * there is taken for a local one.
   *
   * @param selector the request's `model`: id, name or `default`
   */
  route<Request, Run>(call: AuthorisedCall, calls: Calls<Request, Run>, selector: string): RoutedCall<Request, Run>;
  /**
   * Opens a realtime session; everything that refuses it is thrown here, before an upgrade. The session counts as a
   * request, and so does each of its turns.
   *
   * @throws AiError `model_not_found`, `wrong_model_type`, `not_implemented`, `rate_limited`, `quota_exceeded`,
   *   `shutting_down`, `limits_unavailable`, `billing_unavailable`
   */
  openRealtime(call: AuthorisedCall, options: OpenRealtimeOptions): Promise<RealtimeSession>;
  /**
   * Opens a realtime session whose model is an upstream's, and passes its frames on. It counts as one request.
   *
   * @returns null where the session's model is no upstream's: then `openRealtime` opens it, or refuses it.
   * @throws AiError as `openRealtime`, `queue_timeout`, and what the upstream refused or how it failed
   */
  openRelay(call: AuthorisedCall, options: OpenRelayOptions): Promise<RelayedSession | null>;
  /** Changes which models there are, while calls run. */
  readonly models: ModelChanges;
  /** How busy each model is. */
  queues(): readonly QueueStatus[];
  /** The status of the base URLs of each upstream model. */
  upstreams(): readonly ModelUpstreamStatus[];
  /** Settlements that have begun and not ended. */
  pendingSettlements(): number;
  /**
   * Refuses new calls and closes the engines; each engine lets its running generations end first. Then settlements that
   * are pending get a last time.
   */
  close(): Promise<void>;
}

export interface ModelChanges {
  /** @throws Error when the id is taken */
  add(model: RegisteredModel): void;
  /**
   * New calls go to the new engine at once; the engine before it is closed when its calls have ended.
   *
   * @returns when it is closed
   * @throws AiError `model_not_found`
   */
  replace(model: RegisteredModel): Promise<void>;
  /**
   * New calls are refused at once: there is no such model. Those that run or wait for a slot end as they would have
   * ended, then its engine is closed.
   *
   * @param options.whenBusy `refuse`: a model with calls stays
   * @returns when the engine is closed
   * @throws AiError `model_not_found`; `conflict` for a busy model that stays
   */
  remove(id: string, options: { readonly whenBusy: "wait" | "refuse" }): Promise<void>;
  /** @param id null: the type has no default. @throws AiError `model_not_found`, `wrong_model_type` */
  setDefault(type: ModelType, id: string | null): void;
}

/** A call whose model has been looked up, and with it the way that it goes. */
export type RoutedCall<Request, Run> = LocalCall<Request, Run> | UpstreamCall;

interface AnyCall {
  /** Of the model that was found, whatever the request called it; null for none. */
  readonly modelId: string | null;
}

interface LocalCall<Request, Run> extends AnyCall {
  readonly route: "local";
  /** What the found model samples with where the request says so much: what is null is the model's, else the API's default. */
  resolveTemperature(requested: Pick<SamplingOptions, "temperature" | "topP">): Pick<Sampling, "temperature" | "topP">;
  /**
   * Resolves once the call is admitted, so that every refusal is thrown here, before any byte of an answer.
   *
   * @throws AiError `model_not_found`, `wrong_model_type`, `context_length_exceeded`, `rate_limited`, `quota_exceeded`,
   *   `queue_full`, `queue_timeout`, `engine_unavailable`, `invalid_request`, `invalid_value`, `unsupported_parameter`,
   *   `cancelled`, `shutting_down`, and `limits_unavailable`, `billing_unavailable` when a store fails
   */
  run(request: Request): Promise<Run>;
}

export interface UpstreamCall extends AnyCall {
  readonly route: "upstream";
  /** What the upstream is asked for: the request is to be decoded for it. */
  readonly sentAs: ModelRequestId;
  /**
   * Resolves once the upstream has begun a good answer.
   *
   * @throws AiError as `LocalCall`, `not_implemented`, and what the upstream refused or how it failed
   */
  run(request: UpstreamCallRequest): Promise<UpstreamRun>;
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
  /** Called with the record of every admitted call when it has ended. Default: ignored. */
  readonly onCallEnd?: (record: CallRecord) => void;
  /**
   * Called for a call that the store could not settle, with why and its request id; it is tried again. Default:
   * ignored.
   */
  readonly onSettlementPending?: (error: AiError, requestId: string) => void;
  /**
   * Called for a call that was not settled at all, or whose tokens per minute were not corrected, with why and its
   * request id.
   */
  readonly onSettlementError: (error: AiError, requestId: string) => void;
  /**
   * Between the end of a call's time and the end of its reservation, in milliseconds: for the settlement itself, its
   * retries, and for other processes that have a call paid for whose process is gone. Default: 60,000.
   */
  readonly settlementGraceMs?: number;
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

const SETTLEMENT_GRACE_MS = 60_000;

export function createAiService(options: AiServiceOptions): AiService {
  const { registry } = options;
  const gate = createGate(options);
  const sessions = createRealtimeSessions({ registry, gate, callTimeMsMax: options.callTimeMsMax });
  const findTarget = (call: AuthorisedCall, operation: ModelOperationId, selector: string): CallTarget => ({
    call,
    selector,
    model: registry.lookUp(selector, MODEL_OPERATIONS[operation].modelType),
  });
  const serve = async <Request, Run>(calls: Calls<Request, Run>, target: CallTarget, request: Request) => {
    try {
      return await calls.serve(gate, target, request);
    } catch (thrown) {
      throw toAiError(thrown, target.call.signal);
    }
  };
  const forwardTo = (operation: ModelOperationId, sentAs: ModelRequestId, target: CallTarget): UpstreamCall => ({
    route: "upstream",
    modelId: target.model?.id ?? null,
    sentAs,
    run: (request) => serve(upstreamCalls(operation, sentAs), target, request),
  });
  const runLocally = <Request, Run>(calls: Calls<Request, Run>, target: CallTarget): LocalCall<Request, Run> => ({
    route: "local",
    modelId: target.model?.id ?? null,
    resolveTemperature: (requested) => {
      const engine = target.model?.engine;
      return resolveTemperature(requested, engine?.type === "chat" ? engine.recommendedSampling : undefined);
    },
    run: (request) => serve(calls, target, request),
  });
  return {
    models: createModelChanges(registry, gate.uses),
    listModels: () => registry.list(),
    retrieveModel: (_call, id) => registry.find(id),
    admitBody: (call, operation) => gate.admitBody(call, operation),
    route(call, calls, selector) {
      const target = findTarget(call, calls.operation, selector);
      const { operation } = calls;
      const engine = target.model?.engine;
      const sentAs = engine?.type === "upstream" ? resolveSentAs(engine, operation) : null;
      return sentAs === null ? runLocally(calls, target) : forwardTo(operation, sentAs, target);
    },
    openRealtime: (call, open) => sessions.open(call, open),
    async openRelay(call, open) {
      try {
        return await sessions.relay(call, open);
      } catch (thrown) {
        throw toAiError(thrown, call.signal);
      }
    },
    queues: () => gate.queues.status(),
    upstreams: () => registry.list().flatMap(({ id, engine }) => describeUpstreams(id, engine)),
    pendingSettlements: () => gate.billing.pendingSettlements,
    async close() {
      gate.close();
      await sessions.close();
      const failures = await gate.uses.closeAll(registry.list().map((model) => model.engine));
      await gate.billing.close();
      if (failures.length > 0) throw new AggregateError(failures, "Some engines did not close well.");
    },
  };
}

/** The way from an authorised call to an admitted one, the same for every operation, until it is closed. */
function createGate(options: AiServiceOptions) {
  const { registry, rateLimits, callTimeMsMax, onCallEnd = () => {}, now = Date.now } = options;
  const { onSettlementPending = () => {}, onSettlementError, settlementGraceMs = SETTLEMENT_GRACE_MS } = options;
  const billing = createBilling({
    store: options.credits,
    now,
    onPending: onSettlementPending,
    onLost: onSettlementError,
  });
  const queues = createModelQueues(() => registry.list());
  const offers = createOffers(() => registry.list());
  const uses = createEngineUses();
  let closing = false;

  async function admitBody(call: AuthorisedCall, operation: ModelOperationId): Promise<void> {
    const offer = offers.of(operation);
    if (offer === "none" && MODEL_OPERATIONS[operation].isOptional) throw noModelFor(operation);
    if (offer === "paid") await billing.requireCredits(call.principal.accountId);
  }

  /** The request counts against the account's limit, and an account without credits is refused, before any work. */
  async function resolve<Served extends Engine>(target: CallTarget, needed: ServedBy<Served>) {
    if (closing) throw new AiError("shutting_down", "The server is shutting down. Please try again in a moment.");
    const resolved = resolveCall(refreshTarget(target, registry), needed);
    const releaseEngine = uses.hold(resolved.engine);
    const { principal, onRateLimit, model } = resolved.call;
    try {
      await rateLimits.takeRequest(principal.accountId, onRateLimit);
      if (!isFree(model.prices)) await billing.requireCredits(principal.accountId);
    } catch (thrown) {
      releaseEngine();
      throw thrown;
    }
    return { ...resolved, releaseEngine };
  }

  function admitTo(call: ResolvedCall<RegisteredModel>, request: AdmissionRequest, onWorkEnd: () => void) {
    const { turn } = request;
    const queue = turn === undefined ? queues.of(call.model) : queues.ofTurns(call.model);
    const timeMsMax = turn?.timeMsMax ?? callTimeMsMax;
    const holdLifetimeMs = call.model.queue.waitTimeMsMax + timeMsMax + settlementGraceMs;
    const gates = { rateLimits, billing, queue, callTimeMsMax: timeMsMax, holdLifetimeMs, now, onCallEnd, onWorkEnd };
    return admit(call, request, { ...gates, onSettlementError });
  }

  return {
    admitBody,
    resolve,
    admit: admitTo,
    hold: (engine: Engine) => uses.hold(engine),
    now,
    queues,
    uses,
    billing,
    close: () => void (closing = true),
  };
}

/**
 * The model as it is now: between its look-up and this moment a body was read, and it may have been removed or replaced.
 *
 * @throws AiError `engine_unavailable` when the request was decoded for a local engine and the new one is an upstream, or
 *   the other way round
 */
function refreshTarget(target: CallTarget, registry: ModelRegistry): CallTarget {
  const { model, selector } = target;
  if (model === null || registry.list().includes(model)) return target;
  const current = registry.lookUp(selector, model.type);
  const isUpstream = (candidate: RegisteredModel) => candidate.engine.type === "upstream";
  if (current !== null && isUpstream(current) !== isUpstream(model)) {
    const message = `The model '${model.id}' was replaced while the request was read. Please send it again.`;
    throw new AiError("engine_unavailable", message, { retryAfterMs: 1000 });
  }
  return { ...target, model: current };
}

function createModelChanges(registry: ModelRegistry, uses: EngineUses): ModelChanges {
  const retire = async ({ engine }: RegisteredModel): Promise<void> => {
    if (registry.list().some((model) => model.engine === engine)) return;
    await uses.closeUnused(engine);
  };
  return {
    add: (model) => registry.add(model),
    replace: async (model) => retire(registry.replace(model)),
    async remove(id, { whenBusy }) {
      const calls = uses.count(registry.find(id).engine);
      if (whenBusy === "refuse" && calls > 0) {
        const message = `The model '${id}' is in use by ${calls} calls or sessions. Remove it when they have ended, or let the removal wait for them.`;
        throw new AiError("conflict", message, { param: "id" });
      }
      await retire(registry.remove(id));
    },
    setDefault: (type, id) => registry.setDefault(type, id),
  };
}

/** `none`: no model serves the operation. `paid`: all that do cost something. */
type Offer = "none" | "free" | "paid";

/** What the models offer: each operation is looked at once, until the models change. */
function createOffers(listModels: () => readonly RegisteredModel[]) {
  let models = listModels();
  const known = new Map<ModelOperationId, Offer>();
  const look = (operation: ModelOperationId): Offer => {
    const offered = models.filter((model) => isOffered(model, operation));
    if (offered.length === 0) return "none";
    return offered.some(({ prices }) => isFree(prices)) ? "free" : "paid";
  };
  return {
    of(operation: ModelOperationId): Offer {
      if (models !== listModels()) {
        models = listModels();
        known.clear();
      }
      const offer = known.get(operation) ?? look(operation);
      known.set(operation, offer);
      return offer;
    },
  };
}

/** A local engine serves every request of its type; so will one that is not available yet, as far as is known. */
function isOffered({ engine, type }: RegisteredModel, operation: ModelOperationId): boolean {
  if (engine.type === "unavailable") return type === MODEL_OPERATIONS[operation].modelType;
  if (operation === "connectRealtime")
    return engine.type === "upstream" ? engine.connectRealtime !== null : isLive(engine);
  if (engine.type !== "upstream") return engine.type === MODEL_OPERATIONS[operation].modelType;
  const sentAs = resolveSentAs(engine, operation);
  return sentAs !== null && engine.operations.has(sentAs);
}

function noModelFor(operation: ModelOperationId): AiError {
  const { noun, modelType: type } = MODEL_OPERATIONS[operation];
  const advice = `Its operator can add one to the setting "models", local or of an upstream, with "type": "${type}".`;
  return new AiError("not_implemented", `This server has no model for ${noun}. ${advice}`);
}

function describeUpstreams(modelId: string, engine: RegisteredModel["engine"]): readonly ModelUpstreamStatus[] {
  return engine.type === "upstream" ? engine.upstreams().map((status) => ({ modelId, ...status })) : [];
}
