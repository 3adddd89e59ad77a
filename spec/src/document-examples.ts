/** Bodies that the document shows. A test holds each against its schema. */
import type { OperationId } from "./operations.ts";

/** What is shown for an operation. */
export interface OperationExamples {
  readonly request?: unknown;
  readonly response?: unknown;
}

const model = { id: "llama-3.2-1b-instruct", object: "model", created: 1_727_222_400, owned_by: "meta" };

const examples: Readonly<Record<OperationId, OperationExamples>> = {
  listModels: { response: { object: "list", data: [model] } },
  retrieveModel: { response: model },
  createChatCompletion: {
    request: {
      model: "llama-3.2-1b-instruct",
      messages: [
        { role: "developer", content: "Answer in one word." },
        { role: "user", content: "What is the capital of France?" },
      ],
      max_completion_tokens: 16,
    },
    response: {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 1_790_000_000,
      model: "llama-3.2-1b-instruct",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: "Paris", refusal: null },
          logprobs: null,
          finish_reason: "stop",
        },
      ],
      usage: { prompt_tokens: 24, completion_tokens: 2, total_tokens: 26 },
    },
  },
};

/** The examples by operation id. */
export const documentExamples: Readonly<Record<string, OperationExamples>> = examples;
