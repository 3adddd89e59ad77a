/** The answer of `POST /embeddings`: one vector per input, in the order of the inputs. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

/** A vector: numbers, or with `encoding_format: "base64"` its little-endian 32-bit floats in base64. */
export const embeddingSchema = openObject({
  index: z.int().min(0).describe("The place of the input in the request."),
  embedding: z.union([z.array(z.number()), z.base64().describe("The 32-bit floats, little-endian, in base64.")]),
  object: z.literal("embedding"),
}).meta({ id: "Embedding" });
export type Embedding = z.infer<typeof embeddingSchema>;

export const createEmbeddingResponseSchema = openObject({
  data: z.array(embeddingSchema),
  model: z.string(),
  object: z.literal("list"),
  usage: openObject({
    prompt_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
  }),
}).meta({ id: "CreateEmbeddingResponse" });
export type CreateEmbeddingResponse = z.infer<typeof createEmbeddingResponseSchema>;
