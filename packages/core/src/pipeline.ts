/**
 * The way from an authorised call to an engine: resolve → admit → run → settle. Straight code, cheap refusals first,
 * and the one `finally` in which whatever admission took is given back.
 */

import { AiError, toAiError } from "./ai-error.ts";
import { openCallSlots } from "./admission/call-slots.ts";
import type { CallSlots } from "./admission/call-slots.ts";
import type { ModelQueue } from "./admission/model-queue.ts";
import type { RateLimits } from "./admission/rate-limits.ts";
import type { AdmittedCall, AuthorisedCall, CallOutcome, ResolvedCall } from "./call.ts";
import type { CallRecord } from "./call-record.ts";
import type { CallCheckpoint } from "./credits/call-checkpoint.ts";
import type { Bill, Billing, Reservation } from "./credits/billing.ts";
import { SETTLEMENT_WAIT_MS_MAX, within } from "./credits/settlements.ts";
import { createUsageMeter } from "./credits/usage-meter.ts";
import type { UsageMeter } from "./credits/usage-meter.ts";
import type { SchemaRelaxation } from "./engine/chat-output.ts";
import { requireModel } from "./models/registry.ts";
import type { Engine } from "./operations.ts";
import type { RegisteredModel } from "./models/registry.ts";
import { BILLED_AS, MODEL_OPERATIONS } from "./operations.ts";
import type { ModelOperationId } from "./model-operation-id.ts";
import type { UsageUnits } from "./usage.ts";

/** @throws AiError `model_not_found`, `wrong_model_type`, `not_implemented`, and why the model is not available */
export function resolveCall<Served extends Engine>(
  { call, selector, model: found }: CallTarget,
  needed: ServedBy<Served>,
): { readonly call: ResolvedCall<RegisteredModel>; readonly engine: Served } {
  const { noun, modelType } = MODEL_OPERATIONS[needed.operation];
  const model = requireModel(found, { selector, type: modelType });
  const { engine } = model;
  if (engine.type === "unavailable") throw engine.explain();
  if (!needed.isServedBy(engine)) {
    const message = `The model '${model.id}' doesn't offer ${noun} on this server.`;
    throw new AiError("not_implemented", message, { param: "model" });
  }
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { call: { ...call, model } as unknown as ResolvedCall<RegisteredModel>, engine };
}

/** A call, and what its request called the model. */
export interface CallTarget {
  readonly call: AuthorisedCall;
  /** Id, name or `default`. */
  readonly selector: string;
  /** Found by it; null where there is none. */
  readonly model: RegisteredModel | null;
}

/** Which engines can serve an operation. */
export interface ServedBy<Served extends Engine> {
  readonly operation: ModelOperationId;
  readonly isServedBy: (engine: Engine) => engine is Served;
}

/** What stands between a resolved call and its engine. */
export interface AdmissionGates {
  readonly rateLimits: RateLimits;
  readonly billing: Billing;
  readonly queue: ModelQueue;
  /** How long an admitted call may take. */
  readonly callTimeMsMax: number;
  /** Time after which what is held for it expires: longer than it may wait and run. */
  readonly holdLifetimeMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Called when the work has ended, before it is paid for. */
  readonly onWorkEnd: () => void;
  /** Called with the record of every admitted call when it has ended. */
  readonly onCallEnd: (record: CallRecord) => void;
  /** Called for a call whose tokens per minute could not be corrected, with why and its request id. */
  readonly onSettlementError: (error: AiError, requestId: string) => void;
}

/** What a call asks for, as far as limits and money care. */
export interface CostEstimate {
  /** The most that it can use. */
  readonly maxUsage: UsageUnits;
  /** What counts against tokens per minute until the real usage is known. */
  readonly expectedTokens: number;
  /** Whether the answer is sent piece by piece. */
  readonly streamed: boolean;
  /** What of its schemas is not enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
  /** A turn of a session has a slot among those of turns, and a time of its own. Absent: it is a call like others. */
  readonly turn?: { readonly timeMsMax: number };
}

export interface AdmissionRequest extends CostEstimate {
  readonly operation: ModelOperationId;
  /** What the caller called the model. */
  readonly selector: string;
}

/**
 * Takes what a call needs before anything of its answer is computed, in this order: tokens of its rate limit, its
 * credits, a slot of the model. Credits are checked before queueing, so an account without credit never occupies the
 * queue. What was taken is given back when a later gate refuses.
 *
 * @throws AiError `rate_limited`, `limits_unavailable`, `quota_exceeded`, `billing_unavailable`, `queue_full`,
 *   `queue_timeout`, `cancelled`
 */
export async function admit(
  call: ResolvedCall<RegisteredModel>,
  request: AdmissionRequest,
  gates: AdmissionGates,
): Promise<AdmittedCall<RegisteredModel>> {
  const { model, requestId, principal } = call;
  const { accountId } = principal;
  const startedAtMs = gates.now();
  const correctTokens = await gates.rateLimits.takeTokens(accountId, request.expectedTokens, call.onRateLimit);
  const guard = createGuard(gates, requestId);
  const billedAs = BILLED_AS[model.type];
  let reservation: Reservation | null = null;
  let slots: CallSlots;
  const { holdLifetimeMs } = gates;
  const bill = { accountId, operation: billedAs, modelId: model.id, requestId, prices: model.prices, holdLifetimeMs };
  try {
    reservation = await gates.billing.reserve(bill, request.maxUsage);
    const { queue } = gates;
    const { waitTimeMsMax } = model.queue;
    slots = await openCallSlots({ accountId, queue, waitTimeMsMax }, call.signal);
  } catch (thrown) {
    await Promise.all([reservation?.void(), guard(() => correctTokens(0))]);
    throw thrown;
  }
  const meter = createUsageMeter(gates.now);
  const deadline = startDeadline(call.signal, gates.callTimeMsMax);
  const admittedAtMs = gates.now();
  const held = reservation;
  const settle = async (outcome: CallOutcome): Promise<void> => {
    deadline.stop();
    slots.close();
    gates.onWorkEnd();
    const { units } = meter;
    const corrected = guard(() => correctTokens(units.inputTokens + units.outputTokens));
    // What broke, or was cancelled, before it had produced anything costs nothing.
    const isCharged = outcome === "completed" || meter.firstReportAtMs !== null;
    if (!isCharged) await held.void();
    const chargedAmount = isCharged ? await held.settle(units) : 0;
    await corrected;
    gates.onCallEnd({
      operationId: request.operation,
      billedAs,
      callId: call.callId,
      requestId,
      accountId,
      modelId: model.id,
      requestedModel: request.selector,
      streamed: request.streamed,
      relaxed: request.relaxed,
      outcome,
      usage: units,
      usageSource: meter.source,
      heldAmount: held.amount,
      chargedAmount,
      startedAtMs,
      admittedAfterMs: admittedAtMs - startedAtMs,
      firstOutputAfterMs: meter.firstReportAtMs === null ? null : meter.firstReportAtMs - startedAtMs,
      durationMs: gates.now() - startedAtMs,
    });
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return {
    ...call,
    signal: deadline.signal,
    slots,
    meter,
    extend: (more: UsageUnits) => held.extend(more),
    abandon: deadline.abort,
    checkpoint: () => composeCheckpoint(bill, held, meter),
    settle,
  } as unknown as AdmittedCall<RegisteredModel>;
}

function composeCheckpoint(bill: Bill, { holds }: Reservation, meter: UsageMeter): CallCheckpoint {
  const { requestId, operation, modelId, prices } = bill;
  return { requestId, operation, modelId, prices, holds, units: meter.firstReportAtMs === null ? null : meter.units };
}

type Guard = (work: () => Promise<void>) => Promise<void>;

/**
 * For what must not change how the call ends: a failure is reported to the operator. A store that hangs is not waited
 * for longer than a settlement is.
 */
function createGuard(gates: AdmissionGates, requestId: string): Guard {
  return async (work) => {
    const done = work().catch((thrown: unknown) => gates.onSettlementError(toAiError(thrown), requestId));
    await within(done, SETTLEMENT_WAIT_MS_MAX);
  };
}

interface Deadline {
  readonly signal: AbortSignal;
  readonly abort: () => void;
  readonly stop: () => void;
}

/** A signal that follows the caller's, aborts by itself when the time is over, and can be aborted. */
function startDeadline(callerSignal: AbortSignal, timeMsMax: number): Deadline {
  const controller = new AbortController();
  const onAbort = () => controller.abort(callerSignal.reason);
  const timer = setTimeout(() => {
    const message = `The answer was not complete after ${timeMsMax} ms, the longest that a call may take. Ask for fewer tokens.`;
    controller.abort(new AiError("call_timeout", message));
  }, timeMsMax);
  if (callerSignal.aborted) onAbort();
  else callerSignal.addEventListener("abort", onAbort, { once: true });
  return {
    signal: controller.signal,
    abort: onAbort,
    stop: () => {
      clearTimeout(timer);
      callerSignal.removeEventListener("abort", onAbort);
    },
  };
}

/**
 * Runs the work of an admitted call and settles it however it ends: finished, failed, aborted, or its iteration ended
 * by the consumer. Nothing but an `AiError` comes out.
 *
 * @throws AiError what the work throws, and `call_timeout`
 */
export async function* runAdmitted<Event>(
  call: AdmittedCall<RegisteredModel>,
  work: () => AsyncIterable<Event>,
): AsyncGenerator<Event, void> {
  let outcome: CallOutcome = "left";
  try {
    yield* work();
    outcome = "completed";
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    outcome = error.code === "cancelled" ? "left" : error.code;
    throw error;
  } finally {
    await call.settle(outcome);
  }
}

/**
 * The events of an admitted call, the first of which has been asked for: returning them settles the call, also before
 * the first is taken.
 */
export interface RunEvents<Event> extends AsyncIterableIterator<Event, void> {
  return(): Promise<IteratorResult<Event, void>>;
}

/**
 * A generator that was never started runs none of its `finally` blocks, so a consumer that ends before the first event
 * would keep what the call holds: this one is always started.
 */
export async function primeStream<Event>(generator: AsyncGenerator<Event, void>): Promise<RunEvents<Event>> {
  let first: IteratorResult<Event, void> | null = await generator.next();
  const primed: RunEvents<Event> = {
    next() {
      if (first === null) return generator.next();
      const result = Promise.resolve(first);
      first = null;
      return result;
    },
    async return() {
      first = null;
      await generator.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => primed,
  };
  return primed;
}
