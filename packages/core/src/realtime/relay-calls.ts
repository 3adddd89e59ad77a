/**
 * Realtime sessions of upstreams' models as calls: a session is one call, with a slot of its model for as long as it
 * lasts, and pays at its end for what the upstream has used.
 */

import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import type { UpstreamEngine } from "../engine/upstream-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { Engine } from "../operations.ts";
import type { CostEstimate, RunEvents } from "../pipeline.ts";
import { NO_USAGE } from "../usage.ts";
import type { UsageUnits } from "../usage.ts";
import { UpstreamRelay } from "./upstream-relay.ts";

export interface RelayRequest {
  readonly intent: "transcription" | "model";
  /** Below the upstream's base URL. */
  readonly path: string;
  readonly traceParent: string | null;
  /** Whether a caller may mean the session's model by this name. */
  readonly isModel: (name: string) => boolean;
  /** How long the session may last once it has a slot. */
  readonly timeMsMax: number;
  /** Audio that credits are held for at once. */
  readonly holdMs: number;
}

interface RelayingEngine extends UpstreamEngine {
  readonly connectRealtime: NonNullable<UpstreamEngine["connectRealtime"]>;
}

export function isRelaying(engine: Engine): engine is RelayingEngine {
  return engine.type === "upstream" && engine.connectRealtime !== null;
}

interface PreparedRelay {
  readonly engine: RelayingEngine;
  readonly request: RelayRequest;
}

export const relayCalls = defineCalls({
  operation: "connectRealtime",
  isServedBy: isRelaying,
  prepare: async (engine: RelayingEngine, request: RelayRequest): Promise<PreparedRelay> => ({ engine, request }),
  estimate: (prepared: PreparedRelay): CostEstimate => ({
    maxUsage: createStretch(prepared),
    expectedTokens: 0,
    streamed: true,
    relaxed: [],
    turn: { timeMsMax: prepared.request.timeMsMax },
  }),
  run: runRelay,
  /** @throws AiError what the upstream refused the session for */
  async start(events: RunEvents<UpstreamRelay>): Promise<RelayRun> {
    const { value: relay } = await events.next();
    if (relay === undefined) throw new AiError("upstream_failed", "The session ended before it began.");
    // What it throws has ended the session, which reports it to its reader.
    const settled = events.next().then(
      () => {},
      () => {},
    );
    return { relay, settled };
  },
});

export interface RelayRun {
  readonly relay: UpstreamRelay;
  /** Resolves when the session has ended and is paid for. */
  readonly settled: Promise<void>;
}

/** Some audio, and one turn or response: what tokens it takes is bounded by the model's context alone. */
function createStretch({ engine, request }: PreparedRelay): UsageUnits {
  const { contextTokens } = engine.limits;
  return { ...NO_USAGE, audioMs: request.holdMs, inputTokens: contextTokens, outputTokens: contextTokens };
}

/** Its one event is the session; it goes on until that ends. */
async function* runRelay(
  call: AdmittedCall<RegisteredModel>,
  prepared: PreparedRelay,
): AsyncGenerator<UpstreamRelay, void> {
  const { path, intent, traceParent, isModel } = prepared.request;
  const request = { path, intent, traceParent, modelId: call.model.id };
  const upstream = await prepared.engine.connectRealtime(request, { signal: call.signal, isModel });
  const relay = new UpstreamRelay({ call, upstream, stretch: createStretch(prepared) });
  try {
    yield relay;
    await relay.run();
  } finally {
    upstream.close();
  }
}
