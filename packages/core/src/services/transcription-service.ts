/**
 * Transcription and translation calls between admission and engine: an exact price beforehand, and payment for what was
 * heard.
 */

import { defineCalls } from "../call-kind.ts";
import type { Calls, RunFacts } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type {
  PreparedTranscription,
  TranscriptionEngine,
  TranscriptionEvent,
  TranscriptionTask,
} from "../engine/transcription-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { CostEstimate, RunEvents } from "../pipeline.ts";
import type { SpokenRequest, TranscriptionRun } from "./transcription-request.ts";

interface PreparedCall {
  readonly engine: TranscriptionEngine;
  readonly recording: PreparedTranscription;
  readonly streamed: boolean;
}

/** What is said in a recording, in the language that is spoken. */
export const transcriptionCalls = defineTranscriptionCalls("createTranscription", "transcribe");

/** What is said in a recording, in English. */
export const translationCalls = defineTranscriptionCalls("createTranslation", "translate");

function defineTranscriptionCalls(
  operation: "createTranscription" | "createTranslation",
  task: TranscriptionTask,
): Calls<SpokenRequest, TranscriptionRun> {
  return defineCalls({
    operation,
    isServedBy: (engine) => engine.type === "transcription",
    async prepare(engine: TranscriptionEngine, { stream, ...request }: SpokenRequest, signal): Promise<PreparedCall> {
      return { engine, recording: await engine.prepare({ ...request, task }, signal), streamed: stream };
    },
    release: ({ engine, recording }) => engine.release(recording.audioId),
    estimate: estimateTranscription,
    run: runTranscription,
    start: startTranscription,
  });
}

/** Exactly what the call uses, when it ends well. */
function estimateTranscription({ recording, streamed }: PreparedCall): CostEstimate {
  return { maxUsage: { ...NO_USAGE, audioMs: recording.audioMs }, expectedTokens: 0, streamed, relaxed: [] };
}

/**
 * What has been heard when a call is aborted is paid for; one that the engine breaks costs nothing, because half a
 * transcript is none.
 */
async function* runTranscription(
  call: AdmittedCall<RegisteredModel>,
  { engine, recording }: PreparedCall,
): AsyncGenerator<TranscriptionEvent, void> {
  try {
    for await (const event of engine.transcribe(recording, call.signal)) {
      const heardMs = readHeardMs(event, recording);
      if (heardMs !== null) call.meter.report({ ...NO_USAGE, audioMs: Math.min(heardMs, recording.audioMs) });
      yield event;
    }
  } catch (thrown) {
    if (!call.signal.aborted && call.meter.firstReportAtMs !== null) call.meter.report(NO_USAGE);
    throw thrown;
  }
}

function readHeardMs(event: TranscriptionEvent, { audioMs }: PreparedTranscription): number | null {
  switch (event.type) {
    case "transcription-progress":
      return event.heardMs;
    case "transcription-end":
      return audioMs;
    case "transcription-start":
    case "text-delta":
    case "segment":
      return null;
  }
}

async function startTranscription(
  events: RunEvents<TranscriptionEvent>,
  { recording }: PreparedCall,
  { modelId }: RunFacts,
): Promise<TranscriptionRun> {
  return { modelId, audioMs: recording.audioMs, events };
}
