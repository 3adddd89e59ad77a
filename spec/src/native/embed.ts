/** Texts to vectors. */
import { z } from "zod";
import { EMBEDDING_INPUTS_MAX } from "../embeddings/request.ts";
import { nativeIdSchema, tokenCount } from "./shared.ts";

const text = z.string().min(1, { abort: true });

export const embedInputSchema = z.strictObject({
  model: nativeIdSchema.optional().describe("Id or name of an embedding model. Default: `default`."),
  input: z.union([text, z.array(text).min(1).max(EMBEDDING_INPUTS_MAX)]),
  dimensions: z.int().min(1).optional().describe("Default: all of the model's."),
});
export type EmbedInput = z.infer<typeof embedInputSchema>;

export const embedAnswerSchema = z.object({
  modelId: z.string(),
  vectors: z.array(z.array(z.number())).describe("One for each text, in their order."),
  usage: z.object({ inputTokens: tokenCount }),
});
export type EmbedAnswer = z.infer<typeof embedAnswerSchema>;
