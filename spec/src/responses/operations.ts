/** The rows of responses in the list of operations. */

import { itemListExample } from "../conversations/operations.ts";
import { operationRoutes } from "../operation-routes.ts";
import { STATE } from "../shared/state-operation.ts";
import { compactRequestSchema, compactedResponseSchema } from "./compaction.ts";
import { inputTokensRequestSchema, inputTokensSchema } from "./input-tokens.ts";
import { itemListSchema, itemPageParameters } from "./item.ts";
import { createResponseRequestSchema } from "./request.ts";
import { responseSchema } from "./response.ts";
import { getResponseParameters, responseIdSchema } from "./retrieval.ts";
import { responseDeletedSchema } from "./stored.ts";
import { responseStreamEventSchema } from "./stream-event.ts";
import { OPTIONAL_MODEL_ERRORS } from "../shared/model-errors.ts";

/** For the examples. */
const exampleResponse = {
  id: "resp_1",
  object: "response",
  created_at: 1_790_000_000,
  status: "completed",
  completed_at: 1_790_000_001,
  error: null,
  incomplete_details: null,
  instructions: "Answer in one word.",
  model: "llama-3.2-1b-instruct",
  output: [
    {
      id: "msg_1",
      type: "message",
      status: "completed",
      role: "assistant",
      content: [{ type: "output_text", text: "Paris", annotations: [], logprobs: [] }],
    },
  ],
  parallel_tool_calls: true,
  temperature: 1,
  top_p: 1,
  tool_choice: "auto",
  tools: [],
  metadata: {},
  usage: {
    input_tokens: 24,
    input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
    output_tokens: 2,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: 26,
  },
};

export const responseOperations = {
  createResponse: {
    ...operationRoutes.createResponse,
    summary: "Answers what was said, called and answered so far, at once or as a stream.",
    request: createResponseRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: responseSchema,
    streamEvent: responseStreamEventSchema,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
      request: {
        model: "llama-3.2-1b-instruct",
        instructions: "Answer in one word.",
        input: "What is the capital of France?",
        max_output_tokens: 16,
      },
      response: exampleResponse,
    },
  },
  getResponse: {
    ...STATE,
    ...operationRoutes.getResponse,
    summary: "Returns a stored response, or streams the events of one that was made in the background.",
    streamEvent: responseStreamEventSchema,
    pathParameters: { response_id: responseIdSchema },
    queryParameters: getResponseParameters,
    response: responseSchema,
    examples: { response: exampleResponse },
  },
  deleteResponse: {
    ...STATE,
    ...operationRoutes.deleteResponse,
    summary: "Deletes a stored response.",
    pathParameters: { response_id: responseIdSchema },
    response: responseDeletedSchema,
    examples: { response: { id: "resp_1", object: "response", deleted: true } },
  },
  cancelResponse: {
    ...STATE,
    ...operationRoutes.cancelResponse,
    summary: "Cancels a response that runs in the background.",
    pathParameters: { response_id: responseIdSchema },
    response: responseSchema,
    examples: { response: exampleResponse },
  },
  listInputItems: {
    ...STATE,
    ...operationRoutes.listInputItems,
    summary: "Lists the input of a stored response, without that of responses before it.",
    pathParameters: { response_id: responseIdSchema },
    queryParameters: itemPageParameters,
    response: itemListSchema,
    examples: { response: itemListExample },
  },
  Getinputtokencounts: {
    ...operationRoutes.Getinputtokencounts,
    summary: "Counts the tokens that a response would read. It answers nothing and costs nothing.",
    request: inputTokensRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: inputTokensSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
      request: { model: "llama-3.2-1b-instruct", input: "What is the capital of France?" },
      response: { object: "response.input_tokens", input_tokens: 24 },
    },
  },
  Compactconversation: {
    ...operationRoutes.Compactconversation,
    summary: "Makes a conversation shorter: its user messages, and an opaque item that stands for the rest of it.",
    request: compactRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: compactedResponseSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
      request: {
        model: "llama-3.2-1b-instruct",
        input: [
          { role: "user", content: "What is the capital of France?" },
          { role: "assistant", content: "It is Paris." },
        ],
      },
      response: {
        id: "resp_2",
        object: "response.compaction",
        created_at: 1764201600,
        output: [
          {
            id: "msg_3",
            type: "message",
            status: "completed",
            role: "user",
            content: [{ type: "input_text", text: "What is the capital of France?" }],
          },
          { id: "cmp_1", type: "compaction", encrypted_content: "oc1.Zm9yIG9uZSBhY2NvdW50" },
        ],
        usage: {
          input_tokens: 139,
          input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
          output_tokens: 12,
          output_tokens_details: { reasoning_tokens: 0 },
          total_tokens: 151,
        },
      },
    },
  },
} as const;
