/** The engine kind `scripted`: fixed texts without a model. */

import { SCRIPTED_ENGINES, createScriptedEngine } from "@openai-compat/engines";
import { MODEL_TYPES } from "@openai-compat/core";
import type { ModelType } from "@openai-compat/core";
import { z } from "zod";
import { ConfigError } from "../config-error.ts";
import type { EngineKind } from "./engine-kind.ts";

const settings = z.strictObject({
  kind: z.literal("scripted").describe("Fixed texts without a model, for tests."),
});

type ScriptedType = keyof typeof SCRIPTED_ENGINES;

function isScripted(type: ModelType): type is ScriptedType {
  return type in SCRIPTED_ENGINES;
}

/** A model that is easily busy. */
const BUSY = { id: "scripted/busy", concurrency: 2, waitingMax: 2, tokenDelayMs: 40 };

export const scriptedKind = {
  kind: "scripted",
  label: "the scripted engine",
  ownedBy: "scripted",
  types: MODEL_TYPES.filter(isScripted),
  settings,
  async createEngine({ type }) {
    // The configuration has refused any other type.
    if (!isScripted(type)) throw new ConfigError(`The scripted engine serves no ${type} model.`);
    return { engine: SCRIPTED_ENGINES[type](), source: null };
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
