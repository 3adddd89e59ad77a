/**
 * Models elsewhere: a call goes to one of the base URLs, and its answer comes back as it is but for the model's name. Of
 * an answer it understands no more than usage and errors.
 */

import type { RelayEngine, RelayEvent, RelayRequest } from "@openai-compat/core";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { createMessageCleaner } from "./clean-message.ts";
import { encodeRequest } from "./encode-request.ts";
import { type OpenCall, openCall } from "./open-call.ts";
import { relayAnswer } from "./relay-answer.ts";
import { parseBaseUrl, resolveUpstreamSettings, type UpstreamEngineSettings } from "./upstream-settings.ts";
import { createUpstreamTarget } from "./upstream-target.ts";
import { createUpstreamTargets } from "./upstream-targets.ts";

/**
 * Connects on the first call.
 *
 * @throws TypeError for settings that can't work
 */
export function createUpstreamEngine(upstreamSettings: UpstreamEngineSettings): RelayEngine {
  const settings = resolveUpstreamSettings(upstreamSettings);
  const { model, apiKey, contextTokens, completionTokensMax, concurrency, eventBytesMax } = settings;
  const addresses = settings.baseUrls.map(parseBaseUrl);
  const cleaner = createMessageCleaner({ addresses, model, apiKey });
  const all = addresses.map((address) => createUpstreamTarget(address, settings));
  const { breakerFailuresMax: failuresMax, breakerOpenMs: openMs } = settings;
  const now = () => performance.now();
  const targets = createUpstreamTargets(all, () => createCircuitBreaker({ failuresMax, openMs, now }));

  async function open(request: RelayRequest, signal: AbortSignal): Promise<OpenCall> {
    signal.throwIfAborted();
    return openCall(targets, encodeRequest(request, { model, apiKey }), signal);
  }

  function relay(request: RelayRequest, signal: AbortSignal): AsyncGenerator<RelayEvent, void> {
    const { modelId, includeUsage } = request;
    const errorContext = { cleaner, modelId, includeUsage };
    return relayAnswer({ open: () => open(request, signal), request, eventBytesMax, errorContext });
  }

  return {
    type: "relay",
    limits: { contextTokens, completionTokensMax, concurrency },
    operations: new Set(settings.operations),
    relay,
    upstreams: () => targets.status(),
    async close() {
      await Promise.all(all.map(async (target) => target.close()));
    },
  };
}
