/** The scripted engine of each type of model that has one. */

import type { LocalEngine } from "@openai-compat/core";
import { createScriptedEmbeddingEngine } from "./scripted-embedding-engine.ts";
import { createScriptedEngine } from "./scripted-engine.ts";
import { createScriptedSpeechEngine } from "./scripted-speech-engine.ts";
import { createScriptedTranscriptionEngine } from "./scripted-transcription-engine.ts";

export const SCRIPTED_ENGINES = {
  chat: () => createScriptedEngine(),
  embedding: () => createScriptedEmbeddingEngine(),
  transcription: () => createScriptedTranscriptionEngine(),
  speech: () => createScriptedSpeechEngine(),
} as const satisfies { readonly [Type in LocalEngine["type"]]: () => Extract<LocalEngine, { readonly type: Type }> };
