/** The messages of a realtime server: all 46 of OpenAI's document. */
import { z } from "zod";
import {
  inputAudioBufferClearedEventSchema,
  inputAudioBufferCommittedEventSchema,
  inputAudioBufferDtmfEventReceivedEventSchema,
  inputAudioBufferSpeechStartedEventSchema,
  inputAudioBufferSpeechStoppedEventSchema,
  inputAudioBufferTimeoutTriggeredEventSchema,
} from "./input-buffer-event.ts";
import {
  conversationItemAddedEventSchema,
  conversationItemCreatedEventSchema,
  conversationItemDeletedEventSchema,
  conversationItemDoneEventSchema,
  conversationItemRetrievedEventSchema,
  conversationItemTruncatedEventSchema,
} from "./item-event.ts";
import { realtimeResponseEventSchemas } from "./response-event.ts";
import {
  conversationCreatedEventSchema,
  rateLimitsUpdatedEventSchema,
  realtimeErrorEventSchema,
  sessionCreatedEventSchema,
  sessionUpdatedEventSchema,
} from "./session-event.ts";
import {
  realtimeTranscriptionCompletedEventSchema,
  realtimeTranscriptionDeltaEventSchema,
  realtimeTranscriptionFailedEventSchema,
  realtimeTranscriptionSegmentEventSchema,
} from "./transcription-event.ts";

export const realtimeServerEventSchema = z
  .discriminatedUnion("type", [
    conversationCreatedEventSchema,
    conversationItemCreatedEventSchema,
    conversationItemDeletedEventSchema,
    realtimeTranscriptionCompletedEventSchema,
    realtimeTranscriptionDeltaEventSchema,
    realtimeTranscriptionFailedEventSchema,
    conversationItemRetrievedEventSchema,
    conversationItemTruncatedEventSchema,
    realtimeErrorEventSchema,
    inputAudioBufferClearedEventSchema,
    inputAudioBufferCommittedEventSchema,
    inputAudioBufferDtmfEventReceivedEventSchema,
    inputAudioBufferSpeechStartedEventSchema,
    inputAudioBufferSpeechStoppedEventSchema,
    rateLimitsUpdatedEventSchema,
    ...realtimeResponseEventSchemas,
    sessionCreatedEventSchema,
    sessionUpdatedEventSchema,
    conversationItemAddedEventSchema,
    conversationItemDoneEventSchema,
    inputAudioBufferTimeoutTriggeredEventSchema,
    realtimeTranscriptionSegmentEventSchema,
  ])
  .meta({ id: "RealtimeServerEvent" });
export type RealtimeServerEvent = z.infer<typeof realtimeServerEventSchema>;
