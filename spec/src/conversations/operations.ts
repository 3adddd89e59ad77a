/** The rows of conversations in the list of operations. */
import { operationRoutes } from "../operation-routes.ts";
import { includeParameter, itemListSchema, itemPageParameters, itemSchema } from "../responses/item.ts";
import { STATE, STATE_BODY_ERRORS } from "../shared/state-operation.ts";
import {
  conversationDeletedSchema,
  conversationIdSchema,
  conversationItemIdSchema,
  conversationSchema,
  createConversationItemsRequestSchema,
  createConversationRequestSchema,
  updateConversationRequestSchema,
} from "./conversation.ts";

/** For the examples. */
const conversation = {
  id: "conv_1",
  object: "conversation",
  created_at: 1_790_000_000,
  metadata: { topic: "capitals" },
};
const item = {
  id: "msg_1",
  type: "message",
  role: "user",
  status: "completed",
  content: [{ type: "input_text", text: "What is the capital of France?" }],
};
/** For the examples: a list of that item alone. */
export const itemListExample = { object: "list", data: [item], first_id: item.id, last_id: item.id, has_more: false };
const items = [{ role: "user", content: "What is the capital of France?" }];

const BODY = { ...STATE, errorStatuses: STATE_BODY_ERRORS } as const;

export const conversationOperations = {
  createConversation: {
    ...BODY,
    ...operationRoutes.createConversation,
    summary: "Begins a conversation, with items or without.",
    request: createConversationRequestSchema,
    pathParameters: {},
    response: conversationSchema,
    examples: { request: { metadata: { topic: "capitals" }, items }, response: conversation },
  },
  getConversation: {
    ...STATE,
    ...operationRoutes.getConversation,
    summary: "Returns a conversation.",
    pathParameters: { conversation_id: conversationIdSchema },
    response: conversationSchema,
    examples: { response: conversation },
  },
  updateConversation: {
    ...BODY,
    ...operationRoutes.updateConversation,
    summary: "Changes the metadata of a conversation.",
    request: updateConversationRequestSchema,
    pathParameters: { conversation_id: conversationIdSchema },
    response: conversationSchema,
    examples: { request: { metadata: { topic: "capitals" } }, response: conversation },
  },
  deleteConversation: {
    ...STATE,
    ...operationRoutes.deleteConversation,
    summary: "Deletes a conversation, with its items and the responses in it.",
    pathParameters: { conversation_id: conversationIdSchema },
    response: conversationDeletedSchema,
    examples: { response: { id: "conv_1", object: "conversation.deleted", deleted: true } },
  },
  createConversationItems: {
    ...BODY,
    ...operationRoutes.createConversationItems,
    summary: "Adds items to a conversation.",
    request: createConversationItemsRequestSchema,
    pathParameters: { conversation_id: conversationIdSchema },
    queryParameters: includeParameter,
    response: itemListSchema,
    examples: { request: { items }, response: itemListExample },
  },
  listConversationItems: {
    ...STATE,
    ...operationRoutes.listConversationItems,
    summary: "Lists the items of a conversation, the newest first unless `order` says otherwise.",
    pathParameters: { conversation_id: conversationIdSchema },
    queryParameters: itemPageParameters,
    response: itemListSchema,
    examples: { response: itemListExample },
  },
  getConversationItem: {
    ...STATE,
    ...operationRoutes.getConversationItem,
    summary: "Returns an item of a conversation.",
    pathParameters: { conversation_id: conversationIdSchema, item_id: conversationItemIdSchema },
    queryParameters: includeParameter,
    response: itemSchema,
    examples: { response: item },
  },
  deleteConversationItem: {
    ...STATE,
    ...operationRoutes.deleteConversationItem,
    summary: "Deletes an item of a conversation, and returns the conversation.",
    pathParameters: { conversation_id: conversationIdSchema, item_id: conversationItemIdSchema },
    response: conversationSchema,
    examples: { response: conversation },
  },
} as const;
