/** Finds a base URL that accepts the call. It retries no call of which a byte was sent. */

import { AiError } from "@openai-compat/core";
import type { ExchangeAnswer, ExchangeRequest } from "./exchange.ts";
import { isBreakdown, UpstreamError } from "./upstream-error.ts";
import type { CallOptions, UpstreamTarget } from "./upstream-target.ts";
import type { TargetLease, UpstreamTargets } from "./upstream-targets.ts";

export interface OpenCall {
  readonly lease: TargetLease<UpstreamTarget>;
  readonly answer: ExchangeAnswer;
}

/** @throws as `openOnTarget` */
export async function openCall(
  targets: UpstreamTargets<UpstreamTarget>,
  request: ExchangeRequest,
  options: CallOptions,
): Promise<OpenCall> {
  const { lease, opened } = await openOnTarget(targets, (target) => target.open(request, options));
  return { lease, answer: opened };
}

/**
 * Tries the least loaded base URL first, the next one if nothing of the request was sent, each at most once.
 *
 * @throws AiError `upstream_unavailable` when every circuit is open; UpstreamError; the signal's reason
 */
export async function openOnTarget<Opened>(
  targets: UpstreamTargets<UpstreamTarget>,
  open: (target: UpstreamTarget) => Promise<Opened>,
): Promise<{ readonly lease: TargetLease<UpstreamTarget>; readonly opened: Opened }> {
  const tried = new Set<UpstreamTarget>();
  let lastError: UpstreamError | null = null;
  for (;;) {
    const lease = targets.lease(tried);
    if (lease === null) throw lastError ?? createUnavailable(targets.waitMs());
    tried.add(lease.target);
    try {
      return { lease, opened: await open(lease.target) };
    } catch (thrown) {
      lease.end(isBreakdown(thrown) ? "broken" : "unknown");
      if (!(thrown instanceof UpstreamError) || thrown.kind !== "unreachable") throw thrown;
      lastError = thrown;
    }
  }
}

function createUnavailable(retryAfterMs: number): AiError {
  return new AiError("upstream_unavailable", "The model is not available at the moment. Please try again later.", {
    retryAfterMs,
  });
}
