/**
 * Models elsewhere: a call goes to one of the base URLs, and its answer comes back as it is but for the model's name. Of
 * an answer it understands no more than usage and errors.
 */

import type { RelayEngine, RelayEvent, RelayRequest } from "@openai-compat/core";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { createMessageCleaner } from "./clean-message.ts";
import { encodeRequest } from "./encode-request.ts";
import { openCall } from "./open-call.ts";
import { relayAnswer } from "./relay-answer.ts";
import { toUpstreamError, UpstreamFault } from "./upstream-fault.ts";
import { parseBaseUrl, resolveUpstreamSettings, type UpstreamEngineSettings } from "./upstream-settings.ts";
import { createUpstreamTarget } from "./upstream-target.ts";
import { createUpstreamTargets, type UpstreamStatus } from "./upstream-targets.ts";

export interface UpstreamEngine extends RelayEngine {
  /** Each base URL's circuit and load, in the order of the settings. */
  upstreams(): readonly UpstreamStatus[];
}

/**
 * Connects on the first call.
 *
 * @throws TypeError for settings that can't work
 */
export function createUpstreamEngine(upstreamSettings: UpstreamEngineSettings): UpstreamEngine {
  const settings = resolveUpstreamSettings(upstreamSettings);
  const { model, apiKey, contextTokens, completionTokensMax, concurrency, eventBytesMax } = settings;
  const addresses = settings.baseUrls.map(parseBaseUrl);
  const cleaner = createMessageCleaner({ addresses, model, apiKey });
  const all = addresses.map((address) => createUpstreamTarget(address, settings));
  const { breakerFailuresMax: failuresMax, breakerOpenMs: openMs } = settings;
  const now = () => performance.now();
  const targets = createUpstreamTargets(all, () => createCircuitBreaker({ failuresMax, openMs, now }));
  const running = new Set<Promise<void>>();

  async function* relay(request: RelayRequest, signal: AbortSignal): AsyncGenerator<RelayEvent, void> {
    signal.throwIfAborted();
    const { promise: ended, resolve: end } = Promise.withResolvers<void>();
    running.add(ended);
    const { modelId, includeUsage } = request;
    try {
      const call = await openCall(targets, encodeRequest(request, { model, apiKey }), signal);
      yield* relayAnswer(call, { request, eventBytesMax, errorContext: { cleaner, modelId, includeUsage } });
    } catch (thrown) {
      throw thrown instanceof UpstreamFault ? toUpstreamError(thrown) : thrown;
    } finally {
      running.delete(ended);
      end();
    }
  }

  return {
    type: "relay",
    limits: { contextTokens, completionTokensMax, concurrency },
    operations: new Set(settings.operations),
    relay,
    upstreams: () => targets.status(),
    async close() {
      await Promise.all(running);
      await Promise.all(all.map(async (target) => target.close()));
    },
  };
}
