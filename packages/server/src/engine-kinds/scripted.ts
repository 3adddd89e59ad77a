/** The engine kind `scripted`: fixed texts without a model. */

import { createScriptedEmbeddingEngine, createScriptedEngine } from "@openai-compat/engines";
import { z } from "zod";
import type { EngineKind } from "./engine-kind.ts";

const settings = z.strictObject({
  kind: z.literal("scripted").describe("Fixed texts without a model, for tests."),
});

/** A model that is easily busy. */
const BUSY = { id: "scripted/busy", concurrency: 2, waitingMax: 2, tokenDelayMs: 40 };

export const scriptedKind = {
  kind: "scripted",
  label: "the scripted engine",
  ownedBy: "scripted",
  types: ["chat", "embedding"],
  settings,
  async createEngine({ type }) {
    return { engine: type === "embedding" ? createScriptedEmbeddingEngine() : createScriptedEngine(), source: null };
  },
  async openTargetModels() {
    const { id, concurrency, tokenDelayMs, waitingMax } = BUSY;
    return {
      models: [
        { id: "scripted/with-slash", engine: createScriptedEngine() },
        { id, engine: createScriptedEngine({ concurrency, tokenDelayMs }), waitingMax },
      ],
      recipe: { fixtures: { overload: { model: id, concurrency, waiting_max: waitingMax } } },
      close: async () => {},
    };
  },
} satisfies EngineKind<z.output<typeof settings>>;
