/** A text, spoken: the audio in one piece, or piece by piece. */
import { z } from "zod";
import { SPEECH_CHARACTERS_MAX, speechFormatSchema } from "../audio/speech-request.ts";
import { nativeIdSchema, tokenCount } from "./shared.ts";

export const speakInputSchema = z.strictObject({
  model: nativeIdSchema.optional().describe("Id or name of a speech model. Default: `default`."),
  text: z.string().min(1).max(SPEECH_CHARACTERS_MAX),
  voice: z.string().min(1).optional().describe("Default: `alloy`."),
  instructions: z.string().max(SPEECH_CHARACTERS_MAX).optional().describe("How to speak it."),
  format: speechFormatSchema.optional().describe("Default: `mp3`."),
  speed: z.number().min(0.25).max(4).optional(),
});
export type SpeakInput = z.infer<typeof speakInputSchema>;

export const speakUsageSchema = z.object({
  characters: z.int().min(0).describe("Code points of the text."),
  inputTokens: tokenCount.describe("What the model read; 0 where it is not known."),
  outputTokens: tokenCount,
});
export type SpeakUsage = z.infer<typeof speakUsageSchema>;

export const speakAnswerSchema = z.object({
  modelId: z.string(),
  contentType: z.string(),
  audio: z.base64(),
  usage: speakUsageSchema,
});
export type SpeakAnswer = z.infer<typeof speakAnswerSchema>;

/** `start` comes first and `end` last; what comes without `end` is not complete. */
export const speakEventSchema = z.discriminatedUnion("type", [
  z.object({ type: z.literal("start"), id: nativeIdSchema, modelId: z.string(), contentType: z.string() }),
  z.object({ type: z.literal("audio"), audio: z.base64().describe("The next bytes of the file.") }),
  z.object({ type: z.literal("end"), usage: speakUsageSchema }),
]);
export type SpeakEvent = z.infer<typeof speakEventSchema>;
