/**
 * The form of `POST /audio/transcriptions`, as `decodeForm` gathers it. Rules between fields (`timestamp_granularities`
 * needs `verbose_json`) and which audio can be read are the server's business.
 */
import { z } from "zod";
import { modelIdSchema } from "../models/model.ts";
import { formBoolean, formFileSchema, formList, formNumber } from "../shared/form-field.ts";
import { openObject } from "../shared/open-object.ts";

/** The most speakers that a request may name beforehand. */
export const KNOWN_SPEAKERS_MAX = 4;

/** The format of the answer: the first is the default; `text`, `srt` and `vtt` are answered as text. */
export const audioResponseFormatSchema = z
  .enum(["json", "text", "srt", "verbose_json", "vtt", "diarized_json"])
  .meta({ id: "AudioResponseFormat" });
export type AudioResponseFormat = z.infer<typeof audioResponseFormatSchema>;

/** When the server cuts the audio: where someone stops speaking. */
export const vadConfigSchema = openObject({
  type: z.literal("server_vad"),
  prefix_padding_ms: formNumber(z.int().min(0)).optional(),
  silence_duration_ms: formNumber(z.int().min(0)).optional(),
  threshold: formNumber(z.number().min(0).max(1)).optional(),
}).meta({ id: "VadConfig" });

/** 0 lets the model raise it by itself where it is unsure. */
export const audioTemperatureSchema = formNumber(z.number().min(0).max(1));

/**
 * A transcription request. A form has no `null`: what is left out is not sent. Unknown fields are kept and `model` is
 * any string.
 *
 * Upstream: `CreateTranscriptionRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createTranscriptionRequestSchema = openObject({
  file: formFileSchema.describe("The audio."),
  model: modelIdSchema,
  language: z.string().optional().describe("The language that is spoken, as in ISO 639-1."),
  languages: formList(z.array(z.string()).min(1)).optional().describe("Sent as `languages[]`, once per language."),
  keywords: formList(z.array(z.string())).optional().describe("Sent as `keywords[]`, once per word."),
  prompt: z.string().optional().describe("Text that guides the style, or that came before."),
  response_format: audioResponseFormatSchema.optional(),
  temperature: audioTemperatureSchema.optional(),
  include: formList(z.array(z.enum(["logprobs"]).meta({ id: "TranscriptionInclude" })))
    .optional()
    .describe("Sent as `include[]`."),
  timestamp_granularities: formList(z.array(z.enum(["word", "segment"])))
    .optional()
    .describe("Sent as `timestamp_granularities[]`, once per granularity; for `verbose_json` only."),
  stream: formBoolean().optional(),
  chunking_strategy: z
    .union([z.literal("auto"), vadConfigSchema])
    .optional()
    .describe("An object is sent as `chunking_strategy[type]` and so on."),
  known_speaker_names: formList(z.array(z.string()).max(KNOWN_SPEAKERS_MAX))
    .optional()
    .describe("Sent as `known_speaker_names[]`, once per name."),
  known_speaker_references: formList(z.array(z.string()).max(KNOWN_SPEAKERS_MAX))
    .optional()
    .describe("Sent as `known_speaker_references[]`: a data URL with the voice of each name."),
}).meta({ id: "CreateTranscriptionRequest" });
export type CreateTranscriptionRequest = z.infer<typeof createTranscriptionRequestSchema>;
