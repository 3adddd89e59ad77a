/** What moderation found in the prompt and the answer. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const moderationResultSchema = openObject({
  categories: z.record(z.string(), z.boolean()),
  category_applied_input_types: z.record(z.string(), z.array(z.enum(["text", "image"]))),
  category_scores: z.record(z.string(), z.number()),
  flagged: z.boolean(),
  model: z.string(),
  type: z.literal("moderation_result"),
}).meta({ id: "ModerationResultBody" });

const moderationOutcomeSchema = z.discriminatedUnion("type", [
  openObject({
    type: z.literal("moderation_results"),
    model: z.string(),
    results: z.array(moderationResultSchema),
  }).meta({ id: "ChatCompletionModerationResults" }),
  openObject({
    type: z.literal("error"),
    code: z.string(),
    message: z.string(),
  }).meta({ id: "ChatCompletionModerationError" }),
]);

export const chatModerationSchema = openObject({
  input: moderationOutcomeSchema,
  output: moderationOutcomeSchema,
}).meta({ id: "ChatCompletionModeration" });
