/** What a realtime server says of the audio that it gets. Times count from the first sample of the session. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";

const timeSchema = z.int().min(0);

export const inputAudioBufferCommittedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("input_audio_buffer.committed"),
  previous_item_id: z.string().nullish(),
  item_id: z.string(),
}).meta({ id: "RealtimeServerEventInputAudioBufferCommitted" });
export type InputAudioBufferCommittedEvent = z.infer<typeof inputAudioBufferCommittedEventSchema>;

export const inputAudioBufferClearedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("input_audio_buffer.cleared"),
}).meta({ id: "RealtimeServerEventInputAudioBufferCleared" });
export type InputAudioBufferClearedEvent = z.infer<typeof inputAudioBufferClearedEventSchema>;

/** The padding before the speech is counted in. */
export const inputAudioBufferSpeechStartedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("input_audio_buffer.speech_started"),
  audio_start_ms: timeSchema,
  item_id: z.string(),
}).meta({ id: "RealtimeServerEventInputAudioBufferSpeechStarted" });
export type InputAudioBufferSpeechStartedEvent = z.infer<typeof inputAudioBufferSpeechStartedEventSchema>;

/** The silence that ended the turn is counted in. */
export const inputAudioBufferSpeechStoppedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("input_audio_buffer.speech_stopped"),
  audio_end_ms: timeSchema,
  item_id: z.string(),
}).meta({ id: "RealtimeServerEventInputAudioBufferSpeechStopped" });
export type InputAudioBufferSpeechStoppedEvent = z.infer<typeof inputAudioBufferSpeechStoppedEventSchema>;

export const inputAudioBufferTimeoutTriggeredEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("input_audio_buffer.timeout_triggered"),
  audio_start_ms: timeSchema,
  audio_end_ms: timeSchema,
  item_id: z.string(),
}).meta({ id: "RealtimeServerEventInputAudioBufferTimeoutTriggered" });

/** The one event without an id. */
export const inputAudioBufferDtmfEventReceivedEventSchema = openObject({
  type: z.literal("input_audio_buffer.dtmf_event_received"),
  event: z.string(),
  received_at: z.int(),
}).meta({ id: "RealtimeServerEventInputAudioBufferDtmfEventReceived" });
