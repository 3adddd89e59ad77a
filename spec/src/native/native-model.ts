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
});
export type NativeModel = z.infer<typeof nativeModelSchema>;
