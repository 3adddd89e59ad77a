/** The JSON answers of `POST /audio/transcriptions`; `response_format` decides which. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import {
  transcriptionDiarizedSegmentSchema,
  transcriptionLanguageSchema,
  transcriptionLogprobSchema,
  transcriptionSegmentSchema,
  transcriptionWordSchema,
} from "./transcription-segment.ts";
import { transcriptionDurationUsageSchema, transcriptionUsageSchema } from "./usage.ts";

/** `json`, the default. `text` is empty for a recording without speech. */
export const createTranscriptionResponseJsonSchema = openObject({
  text: z.string(),
  languages: z.array(transcriptionLanguageSchema).optional(),
  logprobs: z.array(transcriptionLogprobSchema).optional(),
  usage: transcriptionUsageSchema.optional(),
}).meta({ id: "CreateTranscriptionResponseJson" });
export type CreateTranscriptionResponseJson = z.infer<typeof createTranscriptionResponseJsonSchema>;

/** `verbose_json`. `words` comes with the granularity `word`, `segments` with `segment`, the default. */
export const createTranscriptionResponseVerboseJsonSchema = openObject({
  language: z.string().describe("The English name of the language, such as `english`."),
  duration: z.number().min(0).describe("Of the audio, in seconds."),
  text: z.string(),
  words: z.array(transcriptionWordSchema).optional(),
  segments: z.array(transcriptionSegmentSchema).optional(),
  usage: transcriptionDurationUsageSchema.optional(),
}).meta({ id: "CreateTranscriptionResponseVerboseJson" });
export type CreateTranscriptionResponseVerboseJson = z.infer<typeof createTranscriptionResponseVerboseJsonSchema>;

/** `diarized_json`: who said what. */
export const createTranscriptionResponseDiarizedJsonSchema = openObject({
  task: z.literal("transcribe"),
  duration: z.number().min(0).describe("Of the audio, in seconds."),
  text: z.string(),
  segments: z.array(transcriptionDiarizedSegmentSchema),
  usage: transcriptionUsageSchema.optional(),
}).meta({ id: "CreateTranscriptionResponseDiarizedJson" });
export type CreateTranscriptionResponseDiarizedJson = z.infer<typeof createTranscriptionResponseDiarizedJsonSchema>;

/**
 * Any of them. A fault in a verbose answer can still be a plain one: where the format is known, judge by its own shape.
 */
export const createTranscriptionResponseSchema = z.union([
  createTranscriptionResponseVerboseJsonSchema,
  createTranscriptionResponseDiarizedJsonSchema,
  createTranscriptionResponseJsonSchema,
]);
export type CreateTranscriptionResponse = z.infer<typeof createTranscriptionResponseSchema>;
