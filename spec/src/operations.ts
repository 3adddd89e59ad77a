/**
 * The list of operations. The server's routes, the OpenAPI document and the suite's plan read it; nothing else says
 * which endpoints exist, what they carry and what a caller must be allowed to do.
 */
import type { z } from "zod";
import { createSpeechResponseStreamEventSchema } from "./audio/speech-event.ts";
import { createSpeechRequestSchema } from "./audio/speech-request.ts";
import { createTranscriptionResponseStreamEventSchema } from "./audio/transcription-event.ts";
import { createTranscriptionRequestSchema } from "./audio/transcription-request.ts";
import {
  createTranscriptionResponseDiarizedJsonSchema,
  createTranscriptionResponseJsonSchema,
  createTranscriptionResponseSchema,
  createTranscriptionResponseVerboseJsonSchema,
} from "./audio/transcription-response.ts";
import { createTranslationRequestSchema } from "./audio/translation-request.ts";
import {
  createTranslationResponseJsonSchema,
  createTranslationResponseSchema,
  createTranslationResponseVerboseJsonSchema,
} from "./audio/translation-response.ts";
import { createChatCompletionStreamResponseSchema } from "./chat/chunk.ts";
import { createChatCompletionRequestSchema } from "./chat/request.ts";
import { createChatCompletionResponseSchema } from "./chat/response.ts";
import { conversationOperations } from "./conversations/operations.ts";
import { createCompletionStreamResponseSchema } from "./completions/chunk.ts";
import { createCompletionRequestSchema } from "./completions/request.ts";
import { createCompletionResponseSchema } from "./completions/response.ts";
import { createEmbeddingRequestSchema } from "./embeddings/request.ts";
import { createEmbeddingResponseSchema } from "./embeddings/response.ts";
import { listModelsResponseSchema } from "./models/model-list.ts";
import { modelIdSchema, modelSchema } from "./models/model.ts";
import { type HttpRoute, operationRoutes, type WebSocketRoute } from "./operation-routes.ts";
import { realtimeClientEventSchema } from "./realtime/client-event.ts";
import {
  realtimeCreateClientSecretRequestSchema,
  realtimeCreateClientSecretResponseSchema,
} from "./realtime/client-secret.ts";
import { realtimeServerEventSchema } from "./realtime/server-event.ts";
import { storedChatOperations } from "./chat/stored-operations.ts";
import { responseOperations } from "./responses/operations.ts";
import { MODEL_ERRORS, OPTIONAL_MODEL_ERRORS } from "./shared/model-errors.ts";

/** What a credential must grant: a verb in a domain. No `*` of a grant's domain covers `operator`. */
export interface OperationCapability {
  readonly domain: "ai" | "operator";
  readonly can: "READ" | "PROMPT" | "TRANSCRIBE" | "CREATE" | "UPDATE" | "DELETE";
}

/** The statuses that the service uses for errors; each answers with `ErrorResponse`. */
export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 429 | 500 | 501 | 503;

interface OperationFields {
  readonly summary: string;
  /** One string schema per `{parameter}` of `path`. */
  readonly pathParameters: Readonly<Record<string, z.ZodType>>;
  readonly capability: OperationCapability;
  /** Whether the operation is this project's own: absent from OpenAI's document. */
  readonly extension: boolean;
  /** The errors that a caller must expect. */
  readonly errorStatuses: readonly ErrorStatus[];
}

/** What the document shows of an operation; each body has its schema's shape. */
export interface OperationExamples {
  /** Left out for a form: a file has no place in JSON. */
  readonly request?: Readonly<Record<string, unknown>>;
  /** Left out where no answer is JSON. */
  readonly response?: unknown;
}

/** A request and its answer. */
export interface HttpOperation extends OperationFields, HttpRoute {
  /** The body as parsed JSON, or the form as `decodeForm` gathers it; `null` when the operation takes none. */
  readonly request: z.ZodType | null;
  /** The body of a 200 that is JSON; `null` when the operation never answers so. */
  readonly response: z.ZodType | null;
  /** Where `response_format` decides: the shape of each JSON format. The first one is the default. */
  readonly responseByFormat: Readonly<Record<string, z.ZodType>>;
  /** The `data` of each server-sent event but `[DONE]`; `null` when the operation never streams. */
  readonly streamEvent: z.ZodType | null;
  readonly examples: OperationExamples;
  /** One schema per parameter of the query. Absent: none. */
  readonly queryParameters?: Readonly<Record<string, z.ZodType>>;
}

/** A session: its messages are events, both ways. */
export interface WebSocketOperation extends OperationFields, WebSocketRoute {
  /** One message of the client. */
  readonly clientEvent: z.ZodType;
  /** One message of the server. */
  readonly serverEvent: z.ZodType;
}

export type Operation = HttpOperation | WebSocketOperation;

/**
 * Those that are a request and its answer: what a server routes by method and path, and an OpenAPI document describes.
 */
export function listHttpOperations<Listed extends Operation>(
  definitions: Readonly<Record<string, Listed>>,
): readonly Extract<Listed, HttpOperation>[] {
  return Object.values(definitions).filter((operation) => isHttpOperation(operation));
}

function isHttpOperation<Listed extends Operation>(operation: Listed): operation is Extract<Listed, HttpOperation> {
  return operation.transport === "http";
}

/**
 * Declares operations by id. It returns its argument; its type refuses an entry that lacks a property (a capability
 * above all) or whose `id` is not its key.
 */
export function defineOperations<
  const Definitions extends { readonly [Id in keyof Definitions]: Operation & { readonly id: Id } },
>(definitions: Definitions): Definitions {
  return definitions;
}

/** For the examples. */
const model = { id: "llama-3.2-1b-instruct", object: "model", created: 1_727_222_400, owned_by: "meta" };

export const operations = defineOperations({
  listModels: {
    ...operationRoutes.listModels,
    summary: "Lists the models that the server offers.",
    request: null,
    pathParameters: {},
    responseByFormat: {},
    response: listModelsResponseSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "READ" },
    extension: false,
    errorStatuses: [401, 403, 429, 500, 503],
    examples: { response: { object: "list", data: [model] } },
  },
  retrieveModel: {
    ...operationRoutes.retrieveModel,
    summary: "Describes one model.",
    request: null,
    pathParameters: {
      model: modelIdSchema.describe("The model's id. A `/` in it works as `%2F` and as it is."),
    },
    responseByFormat: {},
    response: modelSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "READ" },
    extension: false,
    errorStatuses: [401, 403, 404, 429, 500, 503],
    examples: { response: model },
  },
  createChatCompletion: {
    ...operationRoutes.createChatCompletion,
    summary: "Answers a conversation, at once or as a stream.",
    request: createChatCompletionRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: createChatCompletionResponseSchema,
    streamEvent: createChatCompletionStreamResponseSchema,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: MODEL_ERRORS,
    examples: {
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
  },
  ...storedChatOperations,
  createCompletion: {
    ...operationRoutes.createCompletion,
    summary: "Goes on with a text, at once or as a stream.",
    request: createCompletionRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: createCompletionResponseSchema,
    streamEvent: createCompletionStreamResponseSchema,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
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
  },
  ...responseOperations,
  ...conversationOperations,
  createEmbedding: {
    ...operationRoutes.createEmbedding,
    summary: "Turns texts into vectors.",
    request: createEmbeddingRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: createEmbeddingResponseSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
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
  },
  createTranscription: {
    ...operationRoutes.createTranscription,
    summary: "Writes down what is said in a recording, at once or as a stream.",
    request: createTranscriptionRequestSchema,
    pathParameters: {},
    responseByFormat: {
      json: createTranscriptionResponseJsonSchema,
      verbose_json: createTranscriptionResponseVerboseJsonSchema,
      diarized_json: createTranscriptionResponseDiarizedJsonSchema,
    },
    response: createTranscriptionResponseSchema,
    streamEvent: createTranscriptionResponseStreamEventSchema,
    capability: { domain: "ai", can: "TRANSCRIBE" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
      response: { text: "The capital of France is Paris.", usage: { type: "duration", seconds: 3 } },
    },
  },
  createTranslation: {
    ...operationRoutes.createTranslation,
    summary: "Writes down in English what is said in a recording.",
    request: createTranslationRequestSchema,
    pathParameters: {},
    responseByFormat: {
      json: createTranslationResponseJsonSchema,
      verbose_json: createTranslationResponseVerboseJsonSchema,
    },
    response: createTranslationResponseSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "TRANSCRIBE" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: { response: { text: "The capital of France is Paris." } },
  },
  createSpeech: {
    ...operationRoutes.createSpeech,
    summary: "Speaks a text.",
    request: createSpeechRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: null,
    streamEvent: createSpeechResponseStreamEventSchema,
    capability: { domain: "ai", can: "PROMPT" },
    extension: false,
    errorStatuses: OPTIONAL_MODEL_ERRORS,
    examples: {
      request: { model: "tts-1", input: "The capital of France is Paris.", voice: "alloy", response_format: "wav" },
    },
  },
  "create-realtime-client-secret": {
    ...operationRoutes["create-realtime-client-secret"],
    summary: "Makes a short-lived credential that opens sessions and does nothing else.",
    request: realtimeCreateClientSecretRequestSchema,
    pathParameters: {},
    responseByFormat: {},
    response: realtimeCreateClientSecretResponseSchema,
    streamEvent: null,
    capability: { domain: "ai", can: "TRANSCRIBE" },
    extension: false,
    errorStatuses: [400, 401, 403, 408, 413, 415, 429, 500, 501, 503],
    examples: {
      request: {
        expires_after: { anchor: "created_at", seconds: 600 },
        session: {
          type: "transcription",
          audio: { input: { transcription: { model: "whisper-1", language: "en" } } },
        },
      },
      response: {
        value: "ek_1",
        expires_at: 1_790_000_600,
        session: {
          type: "transcription",
          id: "sess_1",
          object: "realtime.transcription_session",
          audio: { input: { transcription: { model: "whisper-1", language: "en" } } },
        },
      },
    },
  },
  connectRealtime: {
    ...operationRoutes.connectRealtime,
    summary: "Transcribes speech while it is spoken.",
    pathParameters: {},
    clientEvent: realtimeClientEventSchema,
    serverEvent: realtimeServerEventSchema,
    capability: { domain: "ai", can: "TRANSCRIBE" },
    extension: false,
    errorStatuses: [400, 401, 403, 404, 429, 500, 501, 503],
  },
});

/** The name of an operation, as upstream names it. */
export type OperationId = keyof typeof operations;

/** Of a request and its answer: what a server routes. */
export type HttpOperationId = Extract<(typeof operations)[OperationId], HttpOperation>["id"];
