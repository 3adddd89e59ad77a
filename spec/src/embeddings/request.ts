/** The body of `POST /embeddings`. How many tokens an input may have is the model's business. */
import { z } from "zod";
import { modelIdSchema } from "../models/model.ts";
import { openObject } from "../shared/open-object.ts";
import { tokenIdsSchema } from "../shared/token-ids.ts";

/** The most inputs of one request, and the most tokens of an input that is sent alone as token ids. */
export const EMBEDDING_INPUTS_MAX = 2048;

const textSchema = z.string().min(1, { abort: true });

/** One input or several, as text or as token ids. */
export const embeddingInputSchema = z.union([
  textSchema,
  z.array(textSchema).min(1).max(EMBEDDING_INPUTS_MAX),
  tokenIdsSchema.max(EMBEDDING_INPUTS_MAX),
  z.array(tokenIdsSchema).min(1).max(EMBEDDING_INPUTS_MAX),
]);
export type EmbeddingInput = z.infer<typeof embeddingInputSchema>;

/**
 * An embedding request; `null` means "left out" for every optional field. The official SDK asks for `base64` where its
 * caller names no format.
 *
 * Upstream: `CreateEmbeddingRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createEmbeddingRequestSchema = openObject({
  input: embeddingInputSchema,
  model: modelIdSchema,
  encoding_format: z.enum(["float", "base64"]).nullish(),
  dimensions: z.int().min(1).nullish(),
  user: z.string().nullish(),
}).meta({ id: "CreateEmbeddingRequest" });
export type CreateEmbeddingRequest = z.infer<typeof createEmbeddingRequestSchema>;
