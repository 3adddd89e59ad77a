/**
 * Token counts of a completion, as billed. The arithmetic between the fields is a check's business, not the shape's.
 */
import { z } from "zod";
import { openObject } from "./open-object.ts";

const tokenCountSchema = z.int().min(0);

/** Tokens of the answer and the prompt; `total_tokens` is their sum. */
export const completionUsageSchema = openObject({
  completion_tokens: tokenCountSchema.describe("Tokens in the generated answer."),
  prompt_tokens: tokenCountSchema.describe("Tokens in the prompt, cached ones included."),
  total_tokens: tokenCountSchema.describe("Prompt and answer together."),
  completion_tokens_details: openObject({
    accepted_prediction_tokens: tokenCountSchema.optional(),
    audio_tokens: tokenCountSchema.optional(),
    reasoning_tokens: tokenCountSchema.optional(),
    text_tokens: tokenCountSchema.optional(),
    rejected_prediction_tokens: tokenCountSchema.optional(),
  }).optional(),
  prompt_tokens_details: openObject({
    audio_tokens: tokenCountSchema.optional(),
    cached_tokens: tokenCountSchema.optional().describe("Prompt tokens that were read from a cache."),
    text_tokens: tokenCountSchema.optional(),
    image_tokens: tokenCountSchema.optional(),
    cache_write_tokens: tokenCountSchema.optional(),
  }).optional(),
}).meta({ id: "CompletionUsage" });
export type CompletionUsage = z.infer<typeof completionUsageSchema>;
