/** A realtime session: what a client asks for, and what a server says of it. `type` says which of the two it is. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";
import { voiceSchema } from "../shared/voice.ts";
import { realtimeAudioFormatsSchema } from "./audio-format.ts";
import { realtimeAudioInputSchema } from "./audio-input.ts";

const includeSchema = z.array(z.literal("item.input_audio_transcription.logprobs"));

/** A session that only transcribes. */
export const realtimeTranscriptionSessionCreateRequestSchema = openObject({
  type: z.literal("transcription"),
  audio: openObject({ input: realtimeAudioInputSchema.nullish() }).nullish(),
  include: includeSchema.nullish(),
}).meta({ id: "RealtimeTranscriptionSessionCreateRequestGA" });
export type RealtimeTranscriptionSessionCreateRequest = z.infer<typeof realtimeTranscriptionSessionCreateRequestSchema>;

const audioOutputSchema = openObject({
  format: realtimeAudioFormatsSchema.nullish(),
  voice: voiceSchema.nullish(),
  speed: z.number().min(0.25).max(1.5).nullish(),
});

/** Tools of functions and of MCP servers; what belongs to each kind is not described here. */
const toolSchema = openObject({ type: z.string().nullish() });

const conversationFields = {
  instructions: z.string().nullish(),
  audio: openObject({ input: realtimeAudioInputSchema.nullish(), output: audioOutputSchema.nullish() }).nullish(),
  include: includeSchema.nullish(),
  tracing: z.union([z.literal("auto"), openObject({})]).nullish(),
  tools: z.array(toolSchema).nullish(),
  tool_choice: z.union([z.string(), openObject({ type: z.string() })]).nullish(),
  parallel_tool_calls: z.boolean().nullish(),
  reasoning: openObject({ effort: z.string().nullish() }).nullish(),
  max_output_tokens: z.union([z.int(), z.literal("inf")]).nullish(),
  truncation: z.union([z.enum(["auto", "disabled"]), openObject({ type: z.string() })]).nullish(),
  prompt: openObject({ id: z.string() }).nullish(),
};

/** A session that can talk, where the server's model can. */
export const realtimeSessionCreateRequestSchema = openObject({
  type: z.literal("realtime"),
  output_modalities: z.array(z.enum(["text", "audio"])).nullish(),
  model: z.string().nullish(),
  ...conversationFields,
}).meta({ id: "RealtimeSessionCreateRequestGA" });
export type RealtimeSessionCreateRequest = z.infer<typeof realtimeSessionCreateRequestSchema>;

export const realtimeSessionRequestSchema = z.discriminatedUnion("type", [
  realtimeSessionCreateRequestSchema,
  realtimeTranscriptionSessionCreateRequestSchema,
]);
export type RealtimeSessionRequest = z.infer<typeof realtimeSessionRequestSchema>;

export const realtimeTranscriptionSessionCreateResponseSchema = openObject({
  type: z.literal("transcription"),
  id: z.string(),
  object: z.string().describe("`realtime.transcription_session`"),
  expires_at: unixTimeSchema.optional(),
  include: includeSchema.optional(),
  audio: openObject({ input: realtimeAudioInputSchema.optional() }).optional(),
}).meta({ id: "RealtimeTranscriptionSessionCreateResponseGA" });
export type RealtimeTranscriptionSessionCreateResponse = z.infer<
  typeof realtimeTranscriptionSessionCreateResponseSchema
>;

export const realtimeSessionCreateResponseSchema = openObject({
  type: z.literal("realtime"),
  id: z.string(),
  object: z.literal("realtime.session"),
  expires_at: unixTimeSchema.optional(),
  output_modalities: z.array(z.enum(["text", "audio"])).optional(),
  model: z.string().optional(),
  ...conversationFields,
}).meta({ id: "RealtimeSessionCreateResponseGA" });
export type RealtimeSessionCreateResponse = z.infer<typeof realtimeSessionCreateResponseSchema>;

export const realtimeSessionResponseSchema = z.discriminatedUnion("type", [
  realtimeSessionCreateResponseSchema,
  realtimeTranscriptionSessionCreateResponseSchema,
]);
export type RealtimeSessionResponse = z.infer<typeof realtimeSessionResponseSchema>;
