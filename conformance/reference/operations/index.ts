/** Every operation of the specification: without its row here none compiles. */

import type { HttpOperationId } from "@openai-compat/spec";
import { compactConversation } from "./compact-conversation.ts";
import {
  createConversation,
  createConversationItems,
  deleteConversation,
  deleteConversationItem,
  getConversation,
  getConversationItem,
  listConversationItems,
  updateConversation,
} from "./conversations.ts";
import { createChatCompletion } from "./create-chat-completion.ts";
import { createClientSecret } from "./create-client-secret.ts";
import { createCompletion } from "./create-completion.ts";
import { createEmbedding } from "./create-embedding.ts";
import { countInputTokens, createResponse } from "./create-response.ts";
import { createSpeech } from "./create-speech.ts";
import { createTranscription } from "./create-transcription.ts";
import { createTranslation } from "./create-translation.ts";
import { cancelResponse, deleteResponse, getResponse, listInputItems } from "./kept-responses.ts";
import { listModels } from "./list-models.ts";
import type { ReferenceOperation } from "./operation.ts";
import { retrieveModel } from "./retrieve-model.ts";
import {
  deleteChatCompletion,
  getChatCompletion,
  getChatCompletionMessages,
  listChatCompletions,
  updateChatCompletion,
} from "./stored-chats.ts";

export const REFERENCE_OPERATIONS = {
  listModels,
  retrieveModel,
  createChatCompletion,
  listChatCompletions,
  getChatCompletion,
  updateChatCompletion,
  deleteChatCompletion,
  getChatCompletionMessages,
  createCompletion,
  createResponse,
  getResponse,
  cancelResponse,
  deleteResponse,
  listInputItems,
  Getinputtokencounts: countInputTokens,
  Compactconversation: compactConversation,
  createConversation,
  getConversation,
  updateConversation,
  deleteConversation,
  createConversationItems,
  listConversationItems,
  getConversationItem,
  deleteConversationItem,
  createEmbedding,
  createTranscription,
  createTranslation,
  createSpeech,
  "create-realtime-client-secret": createClientSecret,
} satisfies Record<HttpOperationId, ReferenceOperation>;

export type ReferenceOperations = typeof REFERENCE_OPERATIONS;
