/** Conversations: items that an account keeps under one id, for responses to go on from. */
import { z } from "zod";
import { inputItemSchema } from "../responses/input-item.ts";
import { metadataSchema } from "../shared/metadata.ts";
import { openObject } from "../shared/open-object.ts";
import { unixTimeSchema } from "../shared/unix-time.ts";

/** The most items of one request. */
export const CONVERSATION_ITEMS_MAX = 20;

export const conversationIdSchema = z.string().min(1).describe("The id of a conversation.");
export const conversationItemIdSchema = z.string().min(1).describe("The id of an item of the conversation.");

const items = z.array(inputItemSchema).max(CONVERSATION_ITEMS_MAX);

export const createConversationRequestSchema = openObject({
  metadata: metadataSchema.nullish(),
  items: items.nullish(),
}).meta({ id: "CreateConversationBody" });
export type CreateConversationRequest = z.infer<typeof createConversationRequestSchema>;

/** `null` removes all labels. */
export const updateConversationRequestSchema = openObject({ metadata: metadataSchema.nullable() }).meta({
  id: "UpdateConversationBody",
});

export const createConversationItemsRequestSchema = openObject({ items });

export const conversationSchema = openObject({
  id: z.string(),
  object: z.literal("conversation"),
  created_at: unixTimeSchema,
  metadata: metadataSchema.nullable(),
}).meta({ id: "ConversationResource" });
export type Conversation = z.infer<typeof conversationSchema>;

export const conversationDeletedSchema = openObject({
  id: z.string(),
  object: z.literal("conversation.deleted"),
  deleted: z.boolean(),
}).meta({ id: "DeletedConversationResource" });
export type ConversationDeleted = z.infer<typeof conversationDeletedSchema>;
