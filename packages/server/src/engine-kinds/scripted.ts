/** The engine kind `scripted`: fixed texts without a model. */

import { SCRIPTED_ENGINES, createScriptedEmbeddingEngine, createScriptedEngine } from "@openai-compat/engines";
import { MODEL_TYPES } from "@openai-compat/core";
import { z } from "zod";
import type { EngineKind } from "./engine-kind.ts";

const settings = z.strictObject({
  kind: z.literal("scripted").describe("Fixed texts without a model, for tests."),
});

/** Models that are easily busy. */
const BUSY = { id: "scripted/busy", embeddingId: "scripted/busy-embedding", concurrency: 2, waitingMax: 2 };
const BUSY_TOKEN_DELAY_MS = 40;
const BUSY_VECTOR_DELAY_MS = 500;

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
    const { id, embeddingId, concurrency, waitingMax } = BUSY;
    const busy = createScriptedEngine({ concurrency, tokenDelayMs: BUSY_TOKEN_DELAY_MS });
    const busyEmbedding = createScriptedEmbeddingEngine({ concurrency, vectorDelayMs: BUSY_VECTOR_DELAY_MS });
    return {
      models: [
        { id: "scripted/with-slash", engine: createScriptedEngine() },
        { id, engine: busy, waitingMax },
        { id: embeddingId, engine: busyEmbedding, waitingMax },
      ],
      recipe: {
        fixtures: {
          overload: { model: id, concurrency, waiting_max: waitingMax, others: { embedding: embeddingId } },
        },
      },
      close: async () => {},
    };
  },
} satisfies EngineKind<z.output<typeof settings>>;
