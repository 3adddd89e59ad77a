/** What a realtime server says of the items of its conversation. */
import { z } from "zod";
import { openObject } from "../shared/open-object.ts";
import { realtimeConversationItemSchema } from "./conversation-item.ts";

export const conversationItemAddedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.added"),
  previous_item_id: z.string().nullish(),
  item: realtimeConversationItemSchema,
}).meta({ id: "RealtimeServerEventConversationItemAdded" });
export type ConversationItemAddedEvent = z.infer<typeof conversationItemAddedEventSchema>;

export const conversationItemDoneEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.done"),
  previous_item_id: z.string().nullish(),
  item: realtimeConversationItemSchema,
}).meta({ id: "RealtimeServerEventConversationItemDone" });
export type ConversationItemDoneEvent = z.infer<typeof conversationItemDoneEventSchema>;

/** Before the general availability; servers of that kind are still met. */
export const conversationItemCreatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.created"),
  previous_item_id: z.string().nullish(),
  item: realtimeConversationItemSchema,
}).meta({ id: "RealtimeServerEventConversationItemCreated" });

export const conversationItemRetrievedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.retrieved"),
  item: realtimeConversationItemSchema,
}).meta({ id: "RealtimeServerEventConversationItemRetrieved" });
export type ConversationItemRetrievedEvent = z.infer<typeof conversationItemRetrievedEventSchema>;

export const conversationItemTruncatedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.truncated"),
  item_id: z.string(),
  content_index: z.int(),
  audio_end_ms: z.int(),
}).meta({ id: "RealtimeServerEventConversationItemTruncated" });

export const conversationItemDeletedEventSchema = openObject({
  event_id: z.string(),
  type: z.literal("conversation.item.deleted"),
  item_id: z.string(),
}).meta({ id: "RealtimeServerEventConversationItemDeleted" });
export type ConversationItemDeletedEvent = z.infer<typeof conversationItemDeletedEventSchema>;
