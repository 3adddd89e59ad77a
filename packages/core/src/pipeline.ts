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
import type { Billing, Reservation } from "./credits/billing.ts";
import { SETTLEMENT_WAIT_MS_MAX, within } from "./credits/settlements.ts";
import { createUsageMeter } from "./credits/usage-meter.ts";
import type { SchemaRelaxation } from "./engine/chat-output.ts";
import type { ModelRegistry, RegisteredModel } from "./models/registry.ts";
import { BILLED_AS } from "./operations.ts";
import type { ModelType } from "./operations.ts";
import type { UsageUnits } from "./usage.ts";

/** @throws AiError `model_not_found`, `wrong_model_type` */
export function resolveModel(
  call: AuthorisedCall,
  registry: ModelRegistry,
  wanted: { readonly selector: string; readonly type: ModelType },
): ResolvedCall<RegisteredModel> {
  const model = registry.resolve(wanted.selector, wanted.type);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { ...call, model } as unknown as ResolvedCall<RegisteredModel>;
}

/** What stands between a resolved call and its engine. */
export interface AdmissionGates {
  readonly rateLimits: RateLimits;
  readonly billing: Billing;
  readonly queue: ModelQueue;
  /** How long an admitted call may take. */
  readonly callTimeMsMax: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Is told of every admitted call when it has ended. */
  readonly onCallEnd: (record: CallRecord) => void;
  /** Called for a call whose tokens per minute could not be corrected, with why and its request id. */
  readonly onSettlementError: (error: AiError, requestId: string) => void;
}

/** What a call asks for, as far as limits and money care. */
export interface Demand {
  /** The most that it can use. */
  readonly bound: UsageUnits;
  /** What counts against tokens per minute until the real usage is known. */
  readonly expectedTokens: number;
  /** What the caller called the model. */
  readonly selector: string;
  readonly streamed: boolean;
  /** What of its schemas is not enforced. */
  readonly relaxed: readonly SchemaRelaxation[];
}

/**
 * Takes what a call needs before any work is done for it, in this order: tokens of its rate limit, its credits, a slot
 * of the model. Who can't pay never waits. What was taken is given back when a later gate refuses.
 *
 * @throws AiError `rate_limited`, `limits_unavailable`, `quota_exceeded`, `billing_unavailable`, `queue_full`,
 *   `queue_timeout`, `cancelled`
 */
export async function admit(
  call: ResolvedCall<RegisteredModel>,
  demand: Demand,
  gates: AdmissionGates,
): Promise<AdmittedCall<RegisteredModel>> {
  const { model, requestId, principal } = call;
  const { accountId } = principal;
  const startedAtMs = gates.now();
  const correctTokens = await gates.rateLimits.takeTokens(accountId, demand.expectedTokens, call.onRateLimit);
  const guard = createGuard(gates, requestId);
  const operation = BILLED_AS[model.type];
  let reservation: Reservation | null = null;
  let slots: CallSlots;
  try {
    const bill = { accountId, operation, modelId: model.id, requestId, prices: model.prices };
    reservation = await gates.billing.reserve(bill, demand.bound);
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
    const { units } = meter;
    const corrected = guard(() => correctTokens(units.inputTokens + units.outputTokens));
    // What broke, or was cancelled, before it had produced anything costs nothing.
    const isCharged = outcome === "completed" || meter.firstReportAtMs !== null;
    if (!isCharged) await held.void();
    const chargedAmount = isCharged ? await held.settle(units) : 0;
    await corrected;
    gates.onCallEnd({
      operationId: call.operation.id,
      billedAs: operation,
      callId: call.callId,
      requestId,
      accountId,
      modelId: model.id,
      requestedModel: demand.selector,
      streamed: demand.streamed,
      relaxed: demand.relaxed,
      outcome,
      usage: units,
      isUsageEstimated: meter.isEstimated,
      heldAmount: held.amount,
      chargedAmount,
      startedAtMs,
      admittedAfterMs: admittedAtMs - startedAtMs,
      firstOutputAfterMs: meter.firstReportAtMs === null ? null : meter.firstReportAtMs - startedAtMs,
      durationMs: gates.now() - startedAtMs,
    });
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { ...call, signal: deadline.signal, slots, meter, settle } as unknown as AdmittedCall<RegisteredModel>;
}

type Guard = (work: () => Promise<void>) => Promise<void>;

/**
 * For what must not change how the call ends: a failure is reported to the operator. A store that hangs is not waited for
 * longer than a settlement is.
 */
function createGuard(gates: AdmissionGates, requestId: string): Guard {
  return async (work) => {
    const done = work().catch((thrown: unknown) => gates.onSettlementError(toAiError(thrown), requestId));
    await within(done, SETTLEMENT_WAIT_MS_MAX);
  };
}

/** A signal that follows the caller's and aborts by itself when the time is over. */
function startDeadline(callerSignal: AbortSignal, timeMsMax: number): { signal: AbortSignal; stop: () => void } {
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
    stop: () => {
      clearTimeout(timer);
      callerSignal.removeEventListener("abort", onAbort);
    },
  };
}

/**
 * Runs the work of an admitted call and settles it however it ends: finished, failed, aborted, or left by the consumer.
 * Nothing but an `AiError` comes out.
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
