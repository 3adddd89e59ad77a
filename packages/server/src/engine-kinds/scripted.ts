/** The engine kind `scripted`: fixed texts without a model. */

import {
  SCRIPTED_ENGINES,
  createScriptedEmbeddingEngine,
  createScriptedEngine,
  createScriptedSpeechEngine,
  createScriptedTranscriptionEngine,
} from "@openai-compat/engines";
import { MODEL_TYPES } from "@openai-compat/core";
import { z } from "zod";
import type { EngineKind } from "./engine-kind.ts";

const settings = z.strictObject({
  kind: z.literal("scripted").describe("Fixed texts without a model, for tests."),
});

/** Models that are easily busy. */
const BUSY = "scripted/busy";
const BUSY_OTHERS = {
  embedding: `${BUSY}-embedding`,
  transcription: `${BUSY}-transcription`,
  speech: `${BUSY}-speech`,
};
const BUSY_LIMITS = { concurrency: 2, waitingMax: 2 };
const BUSY_TOKEN_DELAY_MS = 40;
const BUSY_DELAY_MS = 500;

/** For servers that have no such models of their own. */
const AUDIO = { transcription: "scripted/transcription", speech: "scripted/speech" };

export const scriptedKind = {
  kind: "scripted",
  label: "the scripted engine",
  ownedBy: "scripted",
  types: MODEL_TYPES,
  settings,
  async createEngine({ type }) {
    return { engine: SCRIPTED_ENGINES[type](), source: null };
  },
  async openTargetModels() {
    const { concurrency, waitingMax } = BUSY_LIMITS;
    const busy = createScriptedEngine({ concurrency, tokenDelayMs: BUSY_TOKEN_DELAY_MS });
    const busyEmbedding = createScriptedEmbeddingEngine({ concurrency, vectorDelayMs: BUSY_DELAY_MS });
    const busyTranscription = createScriptedTranscriptionEngine({ concurrency, segmentDelayMs: BUSY_DELAY_MS });
    const busySpeech = createScriptedSpeechEngine({ concurrency, sentenceDelayMs: BUSY_DELAY_MS });
    return {
      models: [
        { id: "scripted/with-slash", engine: createScriptedEngine() },
        { id: AUDIO.transcription, engine: createScriptedTranscriptionEngine(), isPaid: true },
        { id: AUDIO.speech, engine: createScriptedSpeechEngine(), isPaid: true },
        { id: BUSY, engine: busy, waitingMax },
        { id: BUSY_OTHERS.embedding, engine: busyEmbedding, waitingMax },
        { id: BUSY_OTHERS.transcription, engine: busyTranscription, waitingMax },
        { id: BUSY_OTHERS.speech, engine: busySpeech, waitingMax },
      ],
      recipe: {
        models: AUDIO,
        fixtures: { overload: { model: BUSY, concurrency, waiting_max: waitingMax, others: BUSY_OTHERS } },
      },
      close: async () => {},
    };
  },
} satisfies EngineKind<z.output<typeof settings>>;
