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
import type { UpstreamStatus } from "./engine/upstream-engine.ts";
import type { Engine } from "./operations.ts";
import type { ModelDescription, ModelRegistry, RegisteredModel } from "./models/registry.ts";
import { MODEL_OPERATIONS, isModelRequest } from "./operations.ts";
import type { ModelOperationId, ModelRequestId } from "./model-operation-id.ts";
import { admit, resolveCall } from "./pipeline.ts";
import type { AdmissionRequest, CallTarget, ServedBy } from "./pipeline.ts";
import type { UpstreamCallRequest, UpstreamRun } from "./services/upstream-request.ts";
import type { OpenRealtimeOptions, RealtimeSession } from "./realtime/realtime-session.ts";
import type { OpenRelayOptions, RelayedSession } from "./realtime/relayed-session.ts";
import { createRealtimeSessions } from "./realtime/realtime-sessions.ts";
import { isLive } from "./realtime/live-turn.ts";
import { upstreamCalls } from "./services/upstream-service.ts";
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

/** A call whose model has been looked up, and with it the way that it goes. */
export type RoutedCall<Request, Run> = LocalCall<Request, Run> | UpstreamCall;

interface LocalCall<Request, Run> {
  readonly route: "local";
  /**
   * Resolves once the call is admitted, so that every refusal is thrown here, before any byte of an answer.
   *
   * @throws AiError `model_not_found`, `wrong_model_type`, `context_length_exceeded`, `rate_limited`, `quota_exceeded`,
   *   `queue_full`, `queue_timeout`, `engine_unavailable`, `invalid_request`, `invalid_value`, `unsupported_parameter`,
   *   `cancelled`, `shutting_down`, and `limits_unavailable`, `billing_unavailable` when a store fails
   */
  run(request: Request): Promise<Run>;
}

export interface UpstreamCall {
  readonly route: "upstream";
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
  /** Milliseconds since the epoch. Default: the clock. */
  readonly now?: () => number;
}

/** Between the end of a call's time and the end of its reservation: for the settlement itself, and for its retries. */
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
  const forwardTo = (operation: ModelRequestId, target: CallTarget): UpstreamCall => ({
    route: "upstream",
    run: (request) => serve(upstreamCalls(operation), target, request),
  });
  return {
    listModels: () => registry.list(),
    retrieveModel: (_call, id) => registry.find(id),
    admitBody: (call, operation) => gate.admitBody(call, operation),
    route(call, calls, selector) {
      const target = findTarget(call, calls.operation, selector);
      const { operation } = calls;
      if (target.model?.engine.type === "upstream" && isModelRequest(operation)) return forwardTo(operation, target);
      return { route: "local", run: (request) => serve(calls, target, request) };
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
      const closings = await Promise.allSettled(registry.list().map((model) => model.engine.close()));
      await gate.billing.close();
      const failures = closings.flatMap((closing) => (closing.status === "rejected" ? [closing.reason] : []));
      if (failures.length > 0) throw new AggregateError(failures, "Some engines did not close well.");
    },
  };
}

/** The way from an authorised call to an admitted one, the same for every operation, until it is closed. */
function createGate(options: AiServiceOptions) {
  const { registry, rateLimits, callTimeMsMax, onCallEnd = () => {}, now = Date.now } = options;
  const { onSettlementPending = () => {}, onSettlementError } = options;
  const waitTimeMsMax = Math.max(0, ...registry.list().map((model) => model.queue.waitTimeMsMax));
  const billing = createBilling({
    store: options.credits,
    now,
    onPending: onSettlementPending,
    onLost: onSettlementError,
  });
  const queues = createModelQueues(registry.list());
  const offers = createOffers(registry.list());
  let closing = false;

  async function admitBody(call: AuthorisedCall, operation: ModelOperationId): Promise<void> {
    const offer = offers.of(operation);
    if (offer === "none" && MODEL_OPERATIONS[operation].isOptional) throw noModelFor(operation);
    if (offer === "paid") await billing.requireCredits(call.principal.accountId);
  }

  /** The request counts against the account's limit, and an account without credits is refused, before any work. */
  async function resolve<Served extends Engine>(target: CallTarget, needed: ServedBy<Served>) {
    if (closing) throw new AiError("shutting_down", "The server is shutting down. Please try again in a moment.");
    const resolved = resolveCall(target, needed);
    const { principal, onRateLimit, model } = resolved.call;
    await rateLimits.takeRequest(principal.accountId, onRateLimit);
    if (!isFree(model.prices)) await billing.requireCredits(principal.accountId);
    return resolved;
  }

  function admitTo(call: ResolvedCall<RegisteredModel>, request: AdmissionRequest) {
    const { turn } = request;
    const queue = turn === undefined ? queues.of(call.model) : queues.ofTurns(call.model);
    const timeMsMax = turn?.timeMsMax ?? callTimeMsMax;
    const holdLifetimeMs = waitTimeMsMax + timeMsMax + SETTLEMENT_GRACE_MS;
    const gates = { rateLimits, billing, queue, callTimeMsMax: timeMsMax, holdLifetimeMs, now, onCallEnd };
    return admit(call, request, { ...gates, onSettlementError });
  }

  return { admitBody, resolve, admit: admitTo, now, queues, billing, close: () => void (closing = true) };
}

/** `none`: no model serves the operation. `paid`: all that do cost something. */
type Offer = "none" | "free" | "paid";

/** What the models offer, which stays as it is: each operation is looked at once. */
function createOffers(models: readonly RegisteredModel[]) {
  const known = new Map<ModelOperationId, Offer>();
  const look = (operation: ModelOperationId): Offer => {
    const offered = models.filter(({ engine }) => isOffered(engine, operation));
    if (offered.length === 0) return "none";
    return offered.some(({ prices }) => isFree(prices)) ? "free" : "paid";
  };
  return {
    of(operation: ModelOperationId): Offer {
      const offer = known.get(operation) ?? look(operation);
      known.set(operation, offer);
      return offer;
    },
  };
}

/** A local engine serves every request of its type. */
function isOffered(engine: Engine, operation: ModelOperationId): boolean {
  if (!isModelRequest(operation)) return engine.type === "upstream" ? engine.connectRealtime !== null : isLive(engine);
  return engine.type === "upstream"
    ? engine.operations.has(operation)
    : engine.type === MODEL_OPERATIONS[operation].modelType;
}

function noModelFor(operation: ModelOperationId): AiError {
  const { noun, modelType: type } = MODEL_OPERATIONS[operation];
  const advice = `Its operator can add one to the setting "models", local or of an upstream, with "type": "${type}".`;
  return new AiError("not_implemented", `This server has no model for ${noun}. ${advice}`);
}

function describeUpstreams(modelId: string, engine: RegisteredModel["engine"]): readonly ModelUpstreamStatus[] {
  return engine.type === "upstream" ? engine.upstreams().map((status) => ({ modelId, ...status })) : [];
}
