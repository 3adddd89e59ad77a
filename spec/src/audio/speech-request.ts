/** The body of `POST /audio/speech`. */
import { z } from "zod";
import { modelIdSchema } from "../models/model.ts";
import { openObject } from "../shared/open-object.ts";
import { voiceSchema } from "../shared/voice.ts";

/** The most characters of `input` and of `instructions`. */
export const SPEECH_CHARACTERS_MAX = 4096;

/** The formats of the audio; the first is the default. `pcm` is headerless: 16-bit little-endian, mono, 24 kHz. */
export const speechFormatSchema = z.enum(["mp3", "opus", "aac", "flac", "wav", "pcm"]);
export type SpeechFormat = z.infer<typeof speechFormatSchema>;

/**
 * A speech request; `null` means "left out" for every optional field.
 *
 * Upstream: `CreateSpeechRequest` of https://github.com/openai/openai-openapi, and the types of `openai` 7.57.
 */
export const createSpeechRequestSchema = openObject({
  model: modelIdSchema,
  input: z.string().max(SPEECH_CHARACTERS_MAX).describe("The text to speak."),
  instructions: z.string().max(SPEECH_CHARACTERS_MAX).nullish().describe("How to speak it."),
  voice: voiceSchema,
  response_format: speechFormatSchema.nullish(),
  speed: z.number().min(0.25).max(4).nullish(),
  stream_format: z.enum(["sse", "audio"]).nullish().describe("`sse` asks for events, `audio` for bytes as they come."),
}).meta({ id: "CreateSpeechRequest" });
export type CreateSpeechRequest = z.infer<typeof createSpeechRequestSchema>;
