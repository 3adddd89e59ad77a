/**
 * The way from an authorised call to an engine: resolve → admit → run → settle. Straight code, cheap refusals first,
 * and the one `finally` in which whatever admission took is given back.
 */

import { toAiError } from "./ai-error.ts";
import type { AdmittedCall, AuthorisedCall, ResolvedCall } from "./call.ts";
import type { ModelQueue } from "./admission/model-queue.ts";
import type { ModelRegistry, ModelType, RegisteredModel } from "./models/registry.ts";

/** @throws AiError `model_not_found` */
export function resolveModel(
  call: AuthorisedCall,
  registry: ModelRegistry,
  wanted: { readonly selector: string; readonly type: ModelType },
): ResolvedCall<RegisteredModel> {
  const model = registry.resolve(wanted.selector, wanted.type);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { ...call, model } as unknown as ResolvedCall<RegisteredModel>;
}

/**
 * Takes what a call needs before any work is done for it. Rate limits and the credit hold belong here, in front of the
 * queue, so that a caller who can't pay never waits.
 *
 * @throws AiError `queue_full`, `queue_timeout`, `cancelled`
 */
export async function admit(
  call: ResolvedCall<RegisteredModel>,
  queue: ModelQueue,
): Promise<AdmittedCall<RegisteredModel>> {
  const release = await queue.acquire(call.signal);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- this stage is the one that may brand its output
  return { ...call, release } as unknown as AdmittedCall<RegisteredModel>;
}

/**
 * Runs the work of an admitted call and settles it however it ends: finished, failed, aborted, or left by the consumer.
 * Nothing but an `AiError` comes out.
 */
export async function* runAdmitted<Event>(
  call: AdmittedCall<RegisteredModel>,
  work: () => AsyncIterable<Event>,
): AsyncGenerator<Event, void> {
  try {
    yield* work();
  } catch (thrown) {
    throw toAiError(thrown, call.signal);
  } finally {
    call.release();
  }
}
