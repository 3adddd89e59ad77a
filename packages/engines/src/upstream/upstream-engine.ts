/**
 * Upstream models: a call is sent to one of the base URLs, and its answer is converted to OpenAI's format.
 */

import { createWorkSlices } from "@openai-compat/core";
import type { UpstreamEngine, UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import { createCircuitBreaker } from "./circuit-breaker.ts";
import { createMessageRedactor } from "./message-redactor.ts";
import { encodeRequest, type LimitNames, listDroppedParameters } from "./encode-request.ts";
import type { ExchangeAnswer } from "./exchange.ts";
import { readRefusedLimit } from "./limit-names.ts";
import { type OpenCall, openCall } from "./open-call.ts";
import { createRealtimeConnector } from "./realtime/connect-realtime.ts";
import { readErrorText } from "./read-error.ts";
import { streamUpstreamEvents } from "./upstream-events.ts";
import { parseBaseUrl, resolveUpstreamSettings, type UpstreamEngineSettings } from "./upstream-settings.ts";
import { type CallOptions, createUpstreamTarget } from "./upstream-target.ts";
import { createUpstreamTargets } from "./upstream-targets.ts";

/**
 * Connects on the first call.
 *
 * @throws TypeError for settings that can't work
 */
export function createUpstreamEngine(upstreamSettings: UpstreamEngineSettings): UpstreamEngine {
  const settings = resolveUpstreamSettings(upstreamSettings);
  const { model, apiKey, contextTokens, completionTokensMax, concurrency, passParameters } = settings;
  const addresses = settings.baseUrls.map(parseBaseUrl);
  const redactor = createMessageRedactor({ addresses, model, apiKey });
  const all = addresses.map((address) => createUpstreamTarget(address, settings));
  const { breakerFailuresMax: failuresMax, breakerOpenMs: openMs } = settings;
  const now = () => performance.now();
  const targets = createUpstreamTargets(all, () => createCircuitBreaker({ failuresMax, openMs, now }));

  let limitNames: LimitNames = "both";

  /** Sends the call, and retries with one name of the limit where the other is refused: nothing was computed then. */
  async function open(request: UpstreamRequest, options: CallOptions): Promise<OpenCall> {
    options.signal.throwIfAborted();
    const slices = createWorkSlices({ signal: options.signal });
    const encode = (names: LimitNames) =>
      encodeRequest(request, { model, apiKey, passParameters, completionTokensMax, limitNames: names, slices });
    const sentNames = limitNames;
    const first = await openCall(targets, await encode(sentNames), options);
    if (sentNames !== "both" || !REFUSALS.has(first.answer.status)) return first;
    const body = await readErrorText(first.answer, settings.answerBytesMax);
    const names = body === null ? null : readRefusedLimit(body);
    if (names === null) return { ...first, answer: withBody(first.answer, body) };
    first.answer.leave();
    first.lease.end("good");
    const second = await openCall(targets, await encode(names), options);
    if (second.answer.status < 300) limitNames = names;
    return second;
  }

  function forward(request: UpstreamRequest, signal: AbortSignal): AsyncGenerator<UpstreamEvent, void> {
    const { modelId, operation, includeUsage } = request;
    const errorContext = { redactor, operation, modelId, includeUsage };
    const droppedParameters = listDroppedParameters(request, settings);
    const { eventBytesMax, answerBytesMax, answerValuesMax, zeroUsageBelieved, usageWaitMs } = settings;
    return streamUpstreamEvents({
      open: (options) => open(request, options),
      request,
      signal,
      droppedParameters,
      errorContext,
      eventBytesMax,
      answerBytesMax,
      answerValuesMax,
      zeroUsageBelieved,
      usageWaitMs,
    });
  }

  return {
    type: "upstream",
    limits: { contextTokens, completionTokensMax: completionTokensMax ?? contextTokens, concurrency },
    operations: new Set(settings.operations),
    bridgesResponses: settings.bridgesResponses,
    forward,
    connectRealtime: settings.operations.includes("createTranscription")
      ? createRealtimeConnector({ settings, redactor, targets })
      : null,
    upstreams: () => targets.status(),
    async close() {
      await Promise.all(all.map(async (target) => target.close()));
    },
  };
}

/** Statuses of a request that was parsed and refused. */
const REFUSALS: ReadonlySet<number> = new Set([400, 422]);

/** An answer whose body has been read already. */
function withBody(answer: ExchangeAnswer, body: string | null): ExchangeAnswer {
  let rest = body === null ? null : [Buffer.from(body)];
  return {
    status: answer.status,
    headers: { ...answer.headers, "content-encoding": "identity", "content-type": "text/plain" },
    async read() {
      const taken = rest;
      rest = null;
      return taken;
    },
    finish: () => answer.finish(),
    leave: () => answer.leave(),
  };
}
