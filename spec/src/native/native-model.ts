/** A model as the native surface describes it. */
import { z } from "zod";
import { nativeIdSchema, wholeMilliseconds } from "./shared.ts";

/** What a model is for. */
export const nativeModelTypeSchema = z.enum(["chat", "embedding", "transcription", "speech"]);
export type NativeModelType = z.infer<typeof nativeModelTypeSchema>;

export const nativeModelSchema = z.object({
  id: nativeIdSchema.describe("The name to send as `model`."),
  name: z.string().describe("A second, human way to ask for it."),
  type: nativeModelTypeSchema,
  ownedBy: z.string().describe("Who made or serves it."),
  isDefault: z.boolean().describe("Whether `default` means this model, for its type."),
  createdAtMs: wholeMilliseconds,
  source: z
    .enum(["configuration", "stored"])
    .describe("`configuration`: it can't be changed or removed while the server runs. `stored`: it was added."),
});
export type NativeModel = z.infer<typeof nativeModelSchema>;

export const modelStatusSchema = z.discriminatedUnion("state", [
  z.object({ state: z.literal("not-loaded").describe("A local model that its next call loads.") }),
  z.object({
    state: z.literal("pulling").describe("Its file is being downloaded."),
    progress: z.number().min(0).max(1),
  }),
  z.object({ state: z.literal("loading") }),
  z.object({ state: z.literal("ready") }),
  z.object({ state: z.literal("failed").describe("It is tried again."), reason: z.string() }),
]);
export type NativeModelStatus = z.infer<typeof modelStatusSchema>;

export const watchedModelSchema = z.object({ id: nativeIdSchema, status: modelStatusSchema });

/** What is left out: every model, also those that are added later. */
export const watchModelsInputSchema = z.strictObject({ id: nativeIdSchema.optional() });

const engine = z
  .looseObject({ kind: z.string().min(1) })
  .describe(
    "As in the server's configuration: each kind of engine has settings of its own. An API key is never shown.",
  );
const price = z.number().min(0).optional();
const prices = z.strictObject({
  perMillionInputTokens: price,
  perMillionOutputTokens: price,
  perMillionCharacters: price,
  perMinuteOfAudio: price,
});

export const newModelSchema = z.strictObject({
  id: nativeIdSchema,
  name: nativeIdSchema.optional().describe("Default: the id."),
  type: nativeModelTypeSchema.optional().describe("Default: that of the catalogue, or `chat`."),
  engine,
  prices: prices.optional().describe("Where they differ from the server's."),
  default: z.boolean().optional().describe("Whether `default` means this model from now on, for its type."),
});
export type NewNativeModel = z.infer<typeof newModelSchema>;

/** What is left out stays as it is. */
export const modelChangeSchema = z.strictObject({
  id: nativeIdSchema,
  name: nativeIdSchema.optional(),
  prices: prices.optional(),
  engine: engine.optional(),
});

export const removeModelInputSchema = z.strictObject({
  id: nativeIdSchema,
  whenBusy: z
    .enum(["wait", "refuse"])
    .default("refuse")
    .describe("What becomes of a model with calls: `wait` until they have ended, or `refuse` to remove it."),
});

export const defaultModelInputSchema = z.strictObject({ type: nativeModelTypeSchema });

export const setDefaultModelInputSchema = z.strictObject({ type: nativeModelTypeSchema, id: nativeIdSchema });
