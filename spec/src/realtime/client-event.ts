/** The messages of a realtime client. The order of messages is a check's business, not the shape's. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { realtimeConversationItemSchema } from "./conversation-item.ts";
import { realtimeSessionRequestSchema } from "./session.ts";

/** The most characters of an id that a client gives to its event. */
export const CLIENT_EVENT_ID_LENGTH_MAX = 512;
/** The most bytes of audio in one append, before they are base64. */
export const APPENDED_BYTES_MAX = 15 * 1024 * 1024;

const eventIdSchema = z.string().max(CLIENT_EVENT_ID_LENGTH_MAX).nullish();

export const sessionUpdateEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("session.update"),
  session: realtimeSessionRequestSchema,
}).meta({ id: "RealtimeClientEventSessionUpdate" });
export type SessionUpdateEvent = z.infer<typeof sessionUpdateEventSchema>;

export const inputAudioBufferAppendEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("input_audio_buffer.append"),
  audio: z.string().describe("Base64."),
}).meta({ id: "RealtimeClientEventInputAudioBufferAppend" });

export const inputAudioBufferCommitEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("input_audio_buffer.commit"),
}).meta({ id: "RealtimeClientEventInputAudioBufferCommit" });

export const inputAudioBufferClearEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("input_audio_buffer.clear"),
}).meta({ id: "RealtimeClientEventInputAudioBufferClear" });

export const outputAudioBufferClearEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("output_audio_buffer.clear"),
}).meta({ id: "RealtimeClientEventOutputAudioBufferClear" });

export const conversationItemCreateEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("conversation.item.create"),
  previous_item_id: z.string().nullish(),
  item: realtimeConversationItemSchema,
}).meta({ id: "RealtimeClientEventConversationItemCreate" });

export const conversationItemRetrieveEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("conversation.item.retrieve"),
  item_id: z.string(),
}).meta({ id: "RealtimeClientEventConversationItemRetrieve" });

export const conversationItemTruncateEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("conversation.item.truncate"),
  item_id: z.string(),
  content_index: z.int(),
  audio_end_ms: z.int(),
}).meta({ id: "RealtimeClientEventConversationItemTruncate" });

export const conversationItemDeleteEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("conversation.item.delete"),
  item_id: z.string(),
}).meta({ id: "RealtimeClientEventConversationItemDelete" });

export const responseCreateEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("response.create"),
  response: openObject({}).nullish(),
}).meta({ id: "RealtimeClientEventResponseCreate" });

export const responseCancelEventSchema = openObject({
  event_id: eventIdSchema,
  type: z.literal("response.cancel"),
  response_id: z.string().nullish(),
}).meta({ id: "RealtimeClientEventResponseCancel" });

export const realtimeClientEventSchema = z
  .discriminatedUnion("type", [
    conversationItemCreateEventSchema,
    conversationItemDeleteEventSchema,
    conversationItemRetrieveEventSchema,
    conversationItemTruncateEventSchema,
    inputAudioBufferAppendEventSchema,
    inputAudioBufferClearEventSchema,
    outputAudioBufferClearEventSchema,
    inputAudioBufferCommitEventSchema,
    responseCancelEventSchema,
    responseCreateEventSchema,
    sessionUpdateEventSchema,
  ])
  .meta({ id: "RealtimeClientEvent" });
export type RealtimeClientEvent = z.infer<typeof realtimeClientEventSchema>;
