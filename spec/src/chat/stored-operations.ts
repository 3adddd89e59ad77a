/** The rows of stored chat completions in the list of operations. */

import { createChatCompletionResponseSchema } from "./response.ts";
import {
  chatCompletionDeletedSchema,
  chatCompletionListSchema,
  chatCompletionMessageListSchema,
  completionIdSchema,
  listChatCompletionsParameters,
  updateChatCompletionRequestSchema,
} from "./stored.ts";
import { operationRoutes } from "../operation-routes.ts";
import { pageParameters } from "../shared/page.ts";
import { STATE, STATE_BODY_ERRORS } from "../shared/state-operation.ts";

/** For the examples. */
const storedChat = {
  id: "chatcmpl-1",
  object: "chat.completion",
  created: 1_790_000_000,
  model: "llama-3.2-1b-instruct",
  metadata: { topic: "capitals" },
  choices: [
    {
      index: 0,
      message: { role: "assistant", content: "Paris", refusal: null },
      logprobs: null,
      finish_reason: "stop",
    },
  ],
  usage: { prompt_tokens: 24, completion_tokens: 2, total_tokens: 26 },
};

export const storedChatOperations = {
  listChatCompletions: {
    ...STATE,
    ...operationRoutes.listChatCompletions,
    summary: "Lists the chat completions that were made with `store: true`.",
    pathParameters: {},
    queryParameters: listChatCompletionsParameters,
    response: chatCompletionListSchema,
    examples: {
      response: {
        object: "list",
        data: [storedChat],
        first_id: storedChat.id,
        last_id: storedChat.id,
        has_more: false,
      },
    },
  },
  getChatCompletion: {
    ...STATE,
    ...operationRoutes.getChatCompletion,
    summary: "Returns a stored chat completion.",
    pathParameters: { completion_id: completionIdSchema },
    response: createChatCompletionResponseSchema,
    examples: { response: storedChat },
  },
  updateChatCompletion: {
    ...STATE,
    ...operationRoutes.updateChatCompletion,
    summary: "Changes the metadata of a stored chat completion.",
    request: updateChatCompletionRequestSchema,
    pathParameters: { completion_id: completionIdSchema },
    response: createChatCompletionResponseSchema,
    errorStatuses: STATE_BODY_ERRORS,
    examples: { request: { metadata: { topic: "capitals" } }, response: storedChat },
  },
  deleteChatCompletion: {
    ...STATE,
    ...operationRoutes.deleteChatCompletion,
    summary: "Deletes a stored chat completion.",
    pathParameters: { completion_id: completionIdSchema },
    response: chatCompletionDeletedSchema,
    examples: { response: { object: "chat.completion.deleted", id: "chatcmpl-1", deleted: true } },
  },
  getChatCompletionMessages: {
    ...STATE,
    ...operationRoutes.getChatCompletionMessages,
    summary: "Lists the messages that a stored chat completion answers.",
    pathParameters: { completion_id: completionIdSchema },
    queryParameters: pageParameters,
    response: chatCompletionMessageListSchema,
    examples: {
      response: {
        object: "list",
        data: [
          {
            id: "chatcmpl-1-0",
            role: "user",
            content: "What is the capital of France?",
            name: null,
            content_parts: null,
          },
        ],
        first_id: "chatcmpl-1-0",
        last_id: "chatcmpl-1-0",
        has_more: false,
      },
    },
  },
} as const;
