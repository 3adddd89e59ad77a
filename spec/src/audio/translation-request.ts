/** The form of `POST /audio/translations`: speech in any language, text in English. */
import { z } from "zod";
import { modelIdSchema } from "../models/model.ts";
import { formFileSchema } from "../shared/form-field.ts";
import { openObject } from "../shared/open-object.ts";
import { audioTemperatureSchema } from "./transcription-request.ts";

/**
 * A translation request, as `decodeForm` gathers it.
 *
 * Upstream: `CreateTranslationRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createTranslationRequestSchema = openObject({
  file: formFileSchema.describe("The audio."),
  model: modelIdSchema,
  prompt: z.string().optional().describe("English text that guides the style, or that came before."),
  response_format: z.enum(["json", "text", "srt", "verbose_json", "vtt"]).optional(),
  temperature: audioTemperatureSchema.optional(),
}).meta({ id: "CreateTranslationRequest" });
export type CreateTranslationRequest = z.infer<typeof createTranslationRequestSchema>;
