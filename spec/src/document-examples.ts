/** Bodies that the document shows. A test holds each against its schema. */
import type { OperationId } from "./operations.ts";

/** What is shown for an operation. */
export interface OperationExamples {
  /** Never a form: a file has no place in JSON. */
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
  createCompletion: {
    request: { model: "llama-3.2-1b-instruct", prompt: "The capital of France is", max_tokens: 4 },
    response: {
      id: "cmpl-1",
      object: "text_completion",
      created: 1_790_000_000,
      model: "llama-3.2-1b-instruct",
      choices: [{ index: 0, text: " Paris.", logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
    },
  },
  createEmbedding: {
    request: { model: "all-minilm-l6-v2", input: ["Paris", "Bern"], encoding_format: "float" },
    response: {
      object: "list",
      model: "all-minilm-l6-v2",
      data: [
        { object: "embedding", index: 0, embedding: [0.25, -0.5, 0.125] },
        { object: "embedding", index: 1, embedding: [0.5, 0.25, -0.125] },
      ],
      usage: { prompt_tokens: 6, total_tokens: 6 },
    },
  },
  createTranscription: {
    response: { text: "The capital of France is Paris.", usage: { type: "duration", seconds: 3 } },
  },
  createTranslation: { response: { text: "The capital of France is Paris." } },
  createSpeech: {
    request: { model: "tts-1", input: "The capital of France is Paris.", voice: "alloy", response_format: "wav" },
  },
};

/** The examples by operation id. */
export const documentExamples: Readonly<Record<string, OperationExamples>> = examples;
