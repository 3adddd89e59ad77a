/** What a realtime session does with the audio that it gets: how it transcribes, and where a turn ends. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { realtimeAudioFormatsSchema } from "./audio-format.ts";

/** `model` is any model of the server. */
export const audioTranscriptionSchema = openObject({
  model: z.string().nullish(),
  language: z.string().nullish().describe("An ISO 639-1 code, such as `en`."),
  languages: z.array(z.string()).min(1).nullish(),
  keywords: z.array(z.string()).nullish(),
  prompt: z.string().nullish(),
  delay: z.enum(["minimal", "low", "medium", "high", "xhigh"]).nullish(),
}).meta({ id: "AudioTranscription" });
export type AudioTranscription = z.infer<typeof audioTranscriptionSchema>;

export const realtimeNoiseReductionSchema = openObject({
  type: z.enum(["near_field", "far_field"]).nullish(),
});
export type RealtimeNoiseReduction = z.infer<typeof realtimeNoiseReductionSchema>;

/** By silence. */
export const serverVadSchema = openObject({
  type: z.literal("server_vad"),
  threshold: z.number().min(0).max(1).nullish(),
  prefix_padding_ms: z.int().min(0).nullish(),
  silence_duration_ms: z.int().min(0).nullish(),
  create_response: z.boolean().nullish(),
  interrupt_response: z.boolean().nullish(),
  idle_timeout_ms: z.int().min(5000).max(30_000).nullish(),
});

/** By what is said. */
export const semanticVadSchema = openObject({
  type: z.literal("semantic_vad"),
  eagerness: z.enum(["low", "medium", "high", "auto"]).nullish(),
  create_response: z.boolean().nullish(),
  interrupt_response: z.boolean().nullish(),
});

/** `null`: the client commits its turns itself. */
export const realtimeTurnDetectionSchema = z
  .discriminatedUnion("type", [serverVadSchema, semanticVadSchema])
  .nullable()
  .meta({ id: "RealtimeTurnDetection" });
export type RealtimeTurnDetection = z.infer<typeof realtimeTurnDetectionSchema>;

/** The same in a request and in what a server says of its session. */
export const realtimeAudioInputSchema = openObject({
  format: realtimeAudioFormatsSchema.nullish(),
  transcription: audioTranscriptionSchema.nullish(),
  noise_reduction: realtimeNoiseReductionSchema.nullish(),
  turn_detection: realtimeTurnDetectionSchema.optional(),
});
export type RealtimeAudioInput = z.infer<typeof realtimeAudioInputSchema>;
