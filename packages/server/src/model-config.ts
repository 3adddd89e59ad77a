/** What the configuration says of models: their engines, their upstreams, their prices. Reading it is `load-config.ts`'s job. */

import { basename } from "node:path";
import { MODEL_TYPES } from "@openai-compat/core";
import { UPSTREAM_DEFAULTS } from "@openai-compat/engines";
import { z } from "zod";

const milliseconds = z.int().min(1).max(86_400_000);
const count = z.int().min(1);

const price = z.int().min(0).max(1_000_000_000_000);
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

/** Of those that the request can give too, in the same ranges. */
const samplingSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe("0: always the likeliest token."),
  topP: z
    .number()
    .min(0)
    .max(1)
    .optional()
    .describe("Tokens are sampled from the likeliest with this probability together."),
  topK: z
    .int()
    .min(0)
    .max(1_000_000)
    .optional()
    .describe("Tokens are sampled from so many of the likeliest; 0: no limit."),
  minP: z.number().min(0).max(1).optional().describe("Least probability of a token, as a share of the likeliest's."),
  repeatPenalty: z
    .number()
    .min(0.01)
    .max(2)
    .optional()
    .describe("Divides the chance of tokens that came before; 1: none."),
});

const engineSchema = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("scripted").describe("Fixed texts without a model, for tests.") }),
  z.strictObject({
    kind: z.literal("llama").describe("A local model, run by llama.cpp."),
    model: z.string().min(1).describe("A catalogue id, or the path of a GGUF file."),
    contextTokens: count
      .optional()
      .describe("Prompt and completion together; default: what the model allows, bounded."),
    concurrency: count.max(256).optional().describe("Calls side by side; each chat needs memory of its own."),
    threads: count
      .max(1024)
      .optional()
      .describe("CPU threads; default: cores minus one, for embeddings all cores up to 8."),
    truncatableVectors: z
      .boolean()
      .default(false)
      .describe("For embeddings: whether the model was trained for fewer `dimensions` (Matryoshka)."),
    sampling: samplingSchema
      .optional()
      .describe(
        "For chats and completions that don't say it; default: what the catalogue or the file recommends, else OpenAI's defaults.",
      ),
    gpu: z.boolean().default(false).describe("Use a GPU where a matching binary is installed."),
  }),
  z.strictObject({
    kind: z.literal("upstream").describe("A model of another server that has OpenAI's API."),
    baseUrls: z
      .array(z.url({ protocol: /^https?$/ }))
      .min(1)
      .max(64)
      .describe(
        "Where servers with OpenAI's API offer the model, each up to and with `/v1`; calls go to the least loaded.",
      ),
    model: z.string().min(1).max(200).optional().describe("The model's name there; default: the id."),
    apiKey: z
      .string()
      .min(1)
      .max(8192)
      .nullable()
      .default(UPSTREAM_DEFAULTS.apiKey)
      .describe("Sent to them, and to nobody else."),
    apiKeyEnvironment: z.string().min(1).nullable().default(null).describe("Environment variable with that key."),
    contextTokens: count.default(UPSTREAM_DEFAULTS.contextTokens).describe("Prompt and completion together."),
    completionTokensMax: count
      .nullable()
      .default(UPSTREAM_DEFAULTS.completionTokensMax)
      .describe("Sent as the limit where a request sets none; null: such an answer may fill the context."),
    passParameters: z
      .array(z.string().min(1).max(200))
      .max(100)
      .default([...UPSTREAM_DEFAULTS.passParameters])
      .describe(
        "Parameters that are sent on although this server doesn't know what they can cost; others are dropped.",
      ),
    zeroUsageBelieved: z
      .boolean()
      .default(UPSTREAM_DEFAULTS.zeroUsageBelieved)
      .describe("Whether a reported usage of 0 tokens is charged as 0; else it is replaced by an estimate."),
    usageWaitMs: milliseconds
      .default(UPSTREAM_DEFAULTS.usageWaitMs)
      .describe("How long the usage of a complete answer is waited for after its client has disconnected."),
    concurrency: count.max(65_536).default(UPSTREAM_DEFAULTS.concurrency).describe("Calls side by side; more wait."),
    connectTimeoutMs: milliseconds
      .default(UPSTREAM_DEFAULTS.connectTimeoutMs)
      .describe("Until a connection stands; then the next one is tried."),
    firstByteTimeoutMs: milliseconds.default(UPSTREAM_DEFAULTS.firstByteTimeoutMs).describe("Until the answer begins."),
    stallTimeoutMs: milliseconds.default(UPSTREAM_DEFAULTS.stallTimeoutMs).describe("Between two pieces of an answer."),
    answerBytesMax: count
      .default(UPSTREAM_DEFAULTS.answerBytesMax)
      .describe("Largest answer, in bytes, also when decompressed."),
    answerValuesMax: count
      .default(UPSTREAM_DEFAULTS.answerValuesMax)
      .describe("Most values in a non-streaming JSON answer; 16 times as many in embeddings."),
    eventBytesMax: count.default(UPSTREAM_DEFAULTS.eventBytesMax).describe("Largest event of a stream, in bytes."),
    breakerFailuresMax: count
      .default(UPSTREAM_DEFAULTS.breakerFailuresMax)
      .describe("Failures in a row after which a server is left alone."),
    breakerOpenMs: milliseconds.default(UPSTREAM_DEFAULTS.breakerOpenMs).describe("For how long."),
  }),
]);

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
