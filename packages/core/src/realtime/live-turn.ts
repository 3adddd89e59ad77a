/**
 * One turn of a realtime session between admission and engine: credits are held a stretch of audio ahead of what the
 * engine gets, and what it has heard is paid for, however the turn ends.
 */

import { defineCalls } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import type { LiveEvent, LiveOptions, LiveTranscription, TranscriptionEngine } from "../engine/transcription-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { Engine } from "../operations.ts";
import type { CostEstimate, RunEvents, ServedBy } from "../pipeline.ts";
import { NO_USAGE } from "../usage.ts";

export interface LiveTurnRequest {
  readonly audio: AsyncIterable<Int16Array>;
  readonly options: LiveOptions;
  /** Audio that credits are held for at once. */
  readonly holdMs: number;
  /** How long the turn may take once it has a slot. */
  readonly timeMsMax: number;
}

export interface LiveEngine extends TranscriptionEngine {
  readonly live: LiveTranscription;
}

export function isLive(engine: Engine): engine is LiveEngine {
  return engine.type === "transcription" && engine.live !== null;
}

interface PreparedTurn extends LiveTurnRequest {
  readonly live: LiveTranscription;
}

export const SAMPLES_PER_MS = 16;

const needs: ServedBy<LiveEngine> = { operation: "connectRealtime", isServedBy: isLive };

export const liveTurnCalls = {
  needs,
  calls: defineCalls({
    ...needs,
    prepare: async ({ live }: LiveEngine, request: LiveTurnRequest): Promise<PreparedTurn> => ({ ...request, live }),
    estimate: estimateTurn,
    run: runTurn,
    start: async (events: RunEvents<LiveEvent>) => events,
  }),
};

function estimateTurn({ holdMs, timeMsMax }: PreparedTurn): CostEstimate {
  const maxUsage = { ...NO_USAGE, audioMs: holdMs };
  return { maxUsage, expectedTokens: 0, streamed: true, relaxed: [], turn: { timeMsMax } };
}

async function* runTurn(call: AdmittedCall<RegisteredModel>, turn: PreparedTurn): AsyncGenerator<LiveEvent, void> {
  const paid = holdAhead(call, turn);
  for await (const event of turn.live.transcribe(paid.audio, turn.options, call.signal)) {
    if (event.type === "heard") {
      call.meter.report({
        ...NO_USAGE,
        audioMs: Math.min(event.heardMs, Math.ceil(paid.countSamples() / SAMPLES_PER_MS)),
      });
    }
    yield event;
  }
}

/** No sample goes to the engine that credits are not held for. */
function holdAhead(call: AdmittedCall<RegisteredModel>, { audio, holdMs }: PreparedTurn) {
  let heldSamples = holdMs * SAMPLES_PER_MS;
  let samples = 0;
  async function* feed(): AsyncGenerator<Int16Array, void> {
    for await (const piece of audio) {
      while (samples + piece.length > heldSamples) {
        await call.extend({ ...NO_USAGE, audioMs: holdMs });
        heldSamples += holdMs * SAMPLES_PER_MS;
      }
      samples += piece.length;
      yield piece;
    }
  }
  return { audio: feed(), countSamples: () => samples };
}
