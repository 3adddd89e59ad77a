/** What the configuration says of models: their engines, their upstreams, their prices. Reading it is `load-config.ts`'s job. */

import { basename } from "node:path";
import { MODEL_TYPES } from "@openai-compat/core";
import { z } from "zod";
import { llamaSettings } from "./engine-kinds/llama.ts";
import { scriptedSettings } from "./engine-kinds/scripted.ts";
import { upstreamSettings } from "./engine-kinds/upstream.ts";
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

const engineSchema = z.discriminatedUnion("kind", [scriptedSettings, llamaSettings, upstreamSettings]);

/** Of what is said of the model elsewhere, nothing may go unread. */
function isTruncatableFitting(model: { readonly type: string; readonly engine: object }): boolean {
  return model.type === "embedding" || !("truncatableVectors" in model.engine) || !model.engine.truncatableVectors;
}

/** Embeddings are not sampled. */
function isSamplingFitting(model: { readonly type: string; readonly engine: object }): boolean {
  return model.type !== "embedding" || !("sampling" in model.engine) || model.engine.sampling === undefined;
}

const modelSchema = z.strictObject({
  id: z.string().min(1).max(200).describe("What a request names in `model`."),
  name: z.string().min(1).max(200).optional().describe("Default: the id."),
  type: z
    .enum(MODEL_TYPES)
    .default("chat")
    .describe("What it is for; local engines serve chat and embeddings. A model of the catalogue has its own type."),
  engine: engineSchema.describe("What runs the model: see the kinds below."),
  prices: modelPricesSchema.optional().describe("Where they differ from `prices`."),
  default: z.boolean().default(false).describe("Whether `default` in a request's `model` means this one."),
});

function isServedHere(model: { readonly type: string; readonly engine: { readonly kind: string } }): boolean {
  const { type, engine } = model;
  return type === "chat" || type === "embedding" || engine.kind === "upstream";
}

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

/** A catalogue's model keeps its id, a file gives its own name. */
function nameModel(model: string): z.input<typeof modelSchema> {
  return { id: basename(model).replace(/\.gguf$/i, ""), engine: { kind: "llama", model } };
}

const modelOrNameSchema = z.preprocess(
  (value) => (typeof value === "string" && value !== "" ? nameModel(value) : value),
  modelSchema,
);

/** The models of the configuration, in the order in which they are listed. */
export const modelsSchema = z
  .array(modelOrNameSchema)
  .refine((models) => models.every(isServedHere), { error: "only an upstream can serve this type" })
  .refine((models) => models.every(isTruncatableFitting), {
    error: "truncatableVectors is for a model of the type embedding",
  })
  .refine((models) => models.every(isSamplingFitting), { error: "sampling is for a model of the type chat" })
  .refine(hasUniqueIds, { error: "two models have the same id" })
  .refine(hasAtMostOneDefault, { error: "two models of the same type are marked as the default" })
  .default([])
  .describe(
    'Catalogue ids, paths of GGUF files, or { "id", "name", "engine": { "kind": "llama", "model" }, "default" }.',
  );

export type ModelConfig = z.output<typeof modelsSchema>[number];
