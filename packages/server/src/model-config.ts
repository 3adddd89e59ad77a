/**
 * What the configuration says of models: their engines, their upstreams, their prices. Reading it is `load-config.ts`'s
 * job.
 */

import { MODEL_TYPES } from "@openai-compat/core";
import type { ModelType } from "@openai-compat/core";
import { z } from "zod";
import { ENGINE_KINDS, findEngineKind, listEngineKinds, nameModel } from "./engine-kinds/index.ts";
import type { ConfiguredModel } from "./engine-kinds/engine-kind.ts";
import { isModelPath } from "./engine-kinds/llama.ts";
import { settingMarks } from "./settings/marks.ts";
import { price } from "./settings/units.ts";

const MEANINGS = {
  inputTokens: "Micro-credits for a million input tokens.",
  outputTokens: "Micro-credits for a million output tokens.",
  minuteOfAudio: "Micro-credits for a minute of audio.",
  characters: "Micro-credits for a million characters of speech.",
};
const inputTokens = price.default(0).describe(MEANINGS.inputTokens);
const outputTokens = price.default(0).describe(MEANINGS.outputTokens);
const minuteOfAudio = price.default(0).describe(MEANINGS.minuteOfAudio);
const characters = price.default(0).describe(MEANINGS.characters);

/** What each operation costs, unless a model has prices of its own. */
export const pricesSchema = z.strictObject({
  ai_prompt: z.strictObject({ perMillionInputTokens: inputTokens, perMillionOutputTokens: outputTokens }).prefault({}),
  ai_embedding: z.strictObject({ perMillionInputTokens: inputTokens }).prefault({}),
  ai_transcription: z.strictObject({ perMinuteOfAudio: minuteOfAudio }).prefault({}),
  ai_tts: z.strictObject({ perMillionCharacters: characters }).prefault({}),
});

const modelPricesSchema = z.strictObject({
  perMillionInputTokens: price.optional().describe(MEANINGS.inputTokens),
  perMillionOutputTokens: price.optional().describe(MEANINGS.outputTokens),
  perMillionCharacters: price.optional().describe(MEANINGS.characters),
  perMinuteOfAudio: price.optional().describe(MEANINGS.minuteOfAudio),
});

const [firstKind, ...otherKinds] = ENGINE_KINDS;
const engineSchema = z.discriminatedUnion("kind", [firstKind.settings, ...otherKinds.map(({ settings }) => settings)]);

export const modelSchema = z.strictObject({
  id: z.string().min(1).max(200).describe("What a request names in `model`."),
  name: z.string().min(1).max(200).optional().describe("Default: the id."),
  type: z
    .enum(MODEL_TYPES)
    .default("chat")
    .describe(
      "What it is for; which kinds of engines serve it is said below. A model of the catalogue has its own type.",
    ),
  engine: engineSchema.describe("What runs the model: see the kinds below."),
  prices: modelPricesSchema.optional().describe("Where they differ from `prices`."),
  default: z.boolean().default(false).describe("Whether `default` in a request's `model` means this one."),
});

interface ModelMarks {
  readonly id: string;
  readonly type: string;
  readonly default: boolean;
}

function hasUniqueIds(models: readonly ModelMarks[]): boolean {
  return new Set(models.map((model) => model.id)).size === models.length;
}

function hasAtMostOneDefault(models: readonly ModelMarks[]): boolean {
  const defaults = models.filter((model) => model.default);
  return new Set(defaults.map((model) => model.type)).size === defaults.length;
}

/** What can't be served as it is said, a sentence each. Nothing that is said of a model may go unread. */
export function listModelProblems(models: readonly (ModelMarks & ConfiguredModel)[]): readonly string[] {
  const ofModels = models.map(ofOwnType).flatMap((model) => {
    const kind = findEngineKind(model.engine);
    const unserved = kind.types.includes(model.type) ? [] : [describeServers(model.type)];
    return [...unserved, ...(kind.listMisfits?.(model) ?? [])];
  });
  return [
    ...new Set(ofModels),
    ...(hasUniqueIds(models) ? [] : ["two models have the same id"]),
    ...(hasAtMostOneDefault(models) ? [] : ["two models of the same type are marked as the default"]),
  ];
}

function describeServers(type: ModelType): string {
  const labels = listEngineKinds().flatMap(({ types, label }) => (types.includes(type) ? [label] : []));
  return `only ${labels.join(" or ")} can serve this type`;
}

const modelOrNameSchema = z
  .preprocess((value) => (typeof value === "string" && value !== "" ? nameModel(value) : value), modelSchema)
  .register(settingMarks, { isPath: isModelPath });

/** The models of the configuration, in the order in which they are listed. */
export const modelsSchema = z
  .array(modelOrNameSchema)
  .superRefine((models, context) => {
    for (const message of listModelProblems(models)) context.addIssue({ code: "custom", message });
  })
  .default([])
  .describe(
    'Catalogue ids, paths of GGUF files, or { "id", "name", "engine": { "kind": "llama", "model" }, "default" }.',
  );

export type ModelConfig = z.output<typeof modelSchema>;

/** A model that is known by its name has its own type, whatever the default of the setting says. */
export function withOwnType(config: ModelConfig): ModelConfig {
  return ofOwnType(config);
}

function ofOwnType<Model extends ConfiguredModel>(model: Model): Model {
  return { ...model, type: findEngineKind(model.engine).findType?.(model.engine) ?? model.type };
}
