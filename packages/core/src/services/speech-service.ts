/** Speech calls between admission and engine: finds the voice, and meters the characters that are spoken. */

import { AiError } from "../ai-error.ts";
import { defineCalls } from "../call-kind.ts";
import type { RunFacts } from "../call-kind.ts";
import type { AdmittedCall } from "../call.ts";
import { NO_USAGE } from "../usage.ts";
import type { SpeechEngine, SpeechEvent, SpeechRequest, SpeechVoice } from "../engine/speech-engine.ts";
import type { RegisteredModel } from "../models/registry.ts";
import type { CostEstimate, RunEvents } from "../pipeline.ts";

/** Validated, with every default applied by the surface. */
export interface SpeechCallRequest extends SpeechRequest {
  /** As the caller names it: the id of a voice or another name of it, in any case. */
  readonly voice: string;
  /** Of the text, in code points. */
  readonly characters: number;
}

/** An admitted speech. A slot of the model is held until `events` ends or is closed, or the call's signal aborts. */
export interface SpeechRun {
  /** The id of the model that serves the call, whatever the request called it. */
  readonly modelId: string;
  /** As the engine's. @throws AiError while iterating, when the engine fails or the call is aborted. */
  readonly events: RunEvents<SpeechEvent>;
}

interface PreparedSpeech {
  readonly engine: SpeechEngine;
  readonly request: SpeechRequest;
  readonly characters: number;
}

/** A text, spoken. */
export const speechCalls = defineCalls({
  operation: "createSpeech",
  isServedBy: (engine) => engine.type === "speech",
  prepare: prepareSpeech,
  estimate: estimateSpeech,
  run: runSpeech,
  start: startSpeech,
});

/** @throws AiError `invalid_value` (`voice`, with those that there are), and what the engine refuses */
async function prepareSpeech(
  engine: SpeechEngine,
  { characters, ...request }: SpeechCallRequest,
  signal: AbortSignal,
): Promise<PreparedSpeech> {
  const found = { ...request, voice: findVoice(engine.voices, request.voice).id };
  await engine.prepare(found, signal);
  return { engine, request: found, characters };
}

function findVoice(voices: readonly SpeechVoice[], name: string): SpeechVoice {
  const lower = name.toLowerCase();
  const voice =
    voices.find(({ id }) => id.toLowerCase() === lower) ??
    voices.find(({ aliases }) => aliases.some((alias) => alias.toLowerCase() === lower));
  if (voice !== undefined) return voice;
  const names = voices.flatMap(({ id, aliases }) => [id, ...aliases]);
  const message =
    `Invalid value for 'voice': '${name.slice(0, NAME_LENGTH_SHOWN)}'. ` +
    `The voices of this model are: ${[...new Set(names)].map((listed) => `'${listed}'`).join(", ")}.`;
  throw new AiError("invalid_value", message, { param: "voice" });
}

const NAME_LENGTH_SHOWN = 60;

function estimateSpeech({ characters }: PreparedSpeech): CostEstimate {
  return { maxUsage: { ...NO_USAGE, characters }, expectedTokens: 0, streamed: true, relaxed: [] };
}

/** What has been spoken when a call is aborted or breaks has been delivered, and is paid for. */
async function* runSpeech(
  call: AdmittedCall<RegisteredModel>,
  { engine, request, characters }: PreparedSpeech,
): AsyncGenerator<SpeechEvent, void> {
  for await (const event of engine.speak(request, call.signal)) {
    const spoken = event.type === "speech-end" ? characters : Math.min(event.spokenCharacters, characters);
    call.meter.report({ ...NO_USAGE, characters: spoken });
    yield event;
  }
}

async function startSpeech(
  events: RunEvents<SpeechEvent>,
  _prepared: PreparedSpeech,
  { modelId }: RunFacts,
): Promise<SpeechRun> {
  return { modelId, events };
}
