/** What a transcription is billed by: tokens, or the duration of the audio. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const tokenCountSchema = z.int().min(0);

export const transcriptionTokenUsageSchema = openObject({
  type: z.literal("tokens"),
  input_tokens: tokenCountSchema,
  input_token_details: openObject({
    text_tokens: tokenCountSchema.optional(),
    audio_tokens: tokenCountSchema.optional(),
  }).optional(),
  output_tokens: tokenCountSchema,
  total_tokens: tokenCountSchema,
}).meta({ id: "TranscriptTextUsageTokens" });
export type TranscriptionTokenUsage = z.infer<typeof transcriptionTokenUsageSchema>;

export const transcriptionDurationUsageSchema = openObject({
  type: z.literal("duration"),
  seconds: z.number().min(0),
}).meta({ id: "TranscriptTextUsageDuration" });
export type TranscriptionDurationUsage = z.infer<typeof transcriptionDurationUsageSchema>;

export const transcriptionUsageSchema = z.discriminatedUnion("type", [
  transcriptionTokenUsageSchema,
  transcriptionDurationUsageSchema,
]);
export type TranscriptionUsage = z.infer<typeof transcriptionUsageSchema>;
