/** The JSON answers of `POST /audio/translations`; `response_format` decides which. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { transcriptionSegmentSchema } from "./transcription-segment.ts";

/** `json`, the default. */
export const createTranslationResponseJsonSchema = openObject({
  text: z.string(),
}).meta({ id: "CreateTranslationResponseJson" });
export type CreateTranslationResponseJson = z.infer<typeof createTranslationResponseJsonSchema>;

/** `verbose_json`. */
export const createTranslationResponseVerboseJsonSchema = openObject({
  language: z.string().describe("Of the text: always `english`."),
  duration: z.number().min(0).describe("Of the audio, in seconds."),
  text: z.string(),
  segments: z.array(transcriptionSegmentSchema).optional(),
}).meta({ id: "CreateTranslationResponseVerboseJson" });
export type CreateTranslationResponseVerboseJson = z.infer<typeof createTranslationResponseVerboseJsonSchema>;

/** Either of them. Where the format is known, judge by its own shape. */
export const createTranslationResponseSchema = z.union([
  createTranslationResponseVerboseJsonSchema,
  createTranslationResponseJsonSchema,
]);
export type CreateTranslationResponse = z.infer<typeof createTranslationResponseSchema>;
