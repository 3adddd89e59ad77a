/** What a realtime server says of the text of a turn. */
import { z } from "zod";
import { transcriptionLanguageSchema } from "../audio/transcription-segment.ts";
import { transcriptionUsageSchema } from "../audio/usage.ts";
import { openObject } from "../shared/open-object.ts";

/** A token of the text; unlike in other answers each key is required. */
export const realtimeLogprobSchema = openObject({
  token: z.string(),
  logprob: z.number(),
  bytes: z.array(z.int().min(0).max(255)),
}).meta({ id: "LogProbProperties" });

/** What comes next in the text. */
export const realtimeTranscriptionDeltaEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.input_audio_transcription.delta"),
  item_id: z.string(),
  content_index: z.int().min(0).optional(),
  delta: z.string().optional(),
  logprobs: z.array(realtimeLogprobSchema).nullish(),
}).meta({ id: "RealtimeServerEventConversationItemInputAudioTranscriptionDelta" });
export type RealtimeTranscriptionDeltaEvent = z.infer<typeof realtimeTranscriptionDeltaEventSchema>;

/** The end: the whole text. `usage` is required. */
export const realtimeTranscriptionCompletedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.input_audio_transcription.completed"),
  item_id: z.string(),
  content_index: z.int().min(0),
  transcript: z.string(),
  languages: z.array(transcriptionLanguageSchema).optional(),
  logprobs: z.array(realtimeLogprobSchema).nullish(),
  usage: transcriptionUsageSchema,
}).meta({ id: "RealtimeServerEventConversationItemInputAudioTranscriptionCompleted" });
export type RealtimeTranscriptionCompletedEvent = z.infer<typeof realtimeTranscriptionCompletedEventSchema>;

/** The turn has no text. */
export const realtimeTranscriptionFailedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.input_audio_transcription.failed"),
  item_id: z.string(),
  content_index: z.int().min(0),
  error: openObject({
    type: z.string().optional(),
    code: z.string().nullish(),
    message: z.string().optional(),
    param: z.string().nullish(),
  }),
}).meta({ id: "RealtimeServerEventConversationItemInputAudioTranscriptionFailed" });
export type RealtimeTranscriptionFailedEvent = z.infer<typeof realtimeTranscriptionFailedEventSchema>;

/** What one speaker said. */
export const realtimeTranscriptionSegmentEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.input_audio_transcription.segment"),
  item_id: z.string(),
  content_index: z.int().min(0),
  text: z.string(),
  id: z.string(),
  speaker: z.string(),
  start: z.number(),
  end: z.number(),
}).meta({ id: "RealtimeServerEventConversationItemInputAudioTranscriptionSegment" });
