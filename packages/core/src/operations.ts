/**
 * What each operation that a model serves is to the service: one entry says which type of model it needs, what bounds
 * its cost and what its answer is made of. All other modules read it here. Paths, bodies and capabilities are the
 * specification's, and stand in `operations` of `@openai-compat/spec`.
 */

import type { ChatEngine } from "./engine/chat-engine.ts";
import type { EmbeddingEngine } from "./engine/embedding-engine.ts";
import type { SpeechEngine } from "./engine/speech-engine.ts";
import type { TranscriptionEngine } from "./engine/transcription-engine.ts";
import type { UpstreamEngine } from "./engine/upstream-engine.ts";
import type { ModelOperationId, ModelRequestId } from "./model-operation-id.ts";
import type { BilledOperation } from "./usage.ts";

/** What a model is for; an operation asks for one type. */
export const MODEL_TYPES = ["chat", "embedding", "transcription", "speech"] as const;
export type ModelType = (typeof MODEL_TYPES)[number];

/** The local engines. Each serves models of its own type. */
export type LocalEngine = ChatEngine | EmbeddingEngine | TranscriptionEngine | SpeechEngine;

/** Whatever can stand behind a model: an upstream serves any type. */
export type Engine = LocalEngine | UpstreamEngine;

/** What calls to a model of each type are charged as. */
export const BILLED_AS: Readonly<Record<ModelType, BilledOperation>> = {
  chat: "ai_prompt",
  embedding: "ai_embedding",
  transcription: "ai_transcription",
  speech: "ai_tts",
};

export interface ModelOperation {
  /** In messages: "This server has no model for ‹noun›." */
  readonly noun: string;
  /** Whether a server may have no model for it, and then says so before it reads a body: `not_implemented`. */
  readonly isOptional: boolean;
  /** The type of model that it needs; with it goes what it is charged as. */
  readonly modelType: ModelType;
  /**
   * What bounds the tokens of a call that a surface measured without a tokenizer. `prompt-and-answer`: it generates, so
   * its prompts and the limit of its answers. `prompt`: its prompts alone. `context`: nothing that was sent; some
   * models count tokens all the same, at most a context of each kind. `nothing`: it uses no tokens.
   */
  readonly tokensBoundedBy: "prompt-and-answer" | "prompt" | "context" | "nothing";
  /**
   * What an upstream answers with. `chunks`: one JSON object with choices, or as a stream the chunks of it. `vectors`:
   * one JSON object. `text`: plain text, one JSON object with a text, or as a stream events of it. `bytes`: a file, or
   * as a stream events with pieces of it. `frames`: it is a session, of whatever events. `items`: one
   * response with items, or as a stream events of it. `count`: one JSON object with a number of tokens. `composed`: it
   * is asked for a response in its place.
   */
  readonly answer: "chunks" | "vectors" | "text" | "bytes" | "frames" | "items" | "count" | "composed";
}

export const MODEL_OPERATIONS = {
  createChatCompletion: {
    noun: "chat",
    isOptional: false,
    modelType: "chat",
    tokensBoundedBy: "prompt-and-answer",
    answer: "chunks",
  },
  createCompletion: {
    noun: "completion",
    isOptional: true,
    modelType: "chat",
    tokensBoundedBy: "prompt-and-answer",
    answer: "chunks",
  },
  createResponse: {
    noun: "responses",
    isOptional: true,
    modelType: "chat",
    tokensBoundedBy: "prompt-and-answer",
    answer: "items",
  },
  Getinputtokencounts: {
    noun: "counts of input tokens",
    isOptional: true,
    modelType: "chat",
    tokensBoundedBy: "nothing",
    answer: "count",
  },
  Compactconversation: {
    noun: "compactions",
    isOptional: true,
    modelType: "chat",
    tokensBoundedBy: "prompt-and-answer",
    answer: "composed",
  },
  createEmbedding: {
    noun: "embedding",
    isOptional: true,
    modelType: "embedding",
    tokensBoundedBy: "prompt",
    answer: "vectors",
  },
  createTranscription: {
    noun: "transcription",
    isOptional: true,
    modelType: "transcription",
    tokensBoundedBy: "context",
    answer: "text",
  },
  createTranslation: {
    noun: "translation",
    isOptional: true,
    modelType: "transcription",
    tokensBoundedBy: "context",
    answer: "text",
  },
  createSpeech: {
    noun: "speech",
    isOptional: true,
    modelType: "speech",
    tokensBoundedBy: "context",
    answer: "bytes",
  },
  connectRealtime: {
    noun: "realtime transcription",
    isOptional: true,
    modelType: "transcription",
    tokensBoundedBy: "context",
    answer: "frames",
  },
} as const satisfies Readonly<Record<ModelOperationId, ModelOperation>>;

/** An operation that answers with chunks. */
export type ChunkOperationId = {
  [Id in ModelOperationId]: (typeof MODEL_OPERATIONS)[Id]["answer"] extends "chunks" ? Id : never;
}[ModelOperationId];

export function answersWithChunks(id: ModelOperationId): id is ChunkOperationId {
  return MODEL_OPERATIONS[id].answer === "chunks";
}

/** Every request that a model of this type can serve. */
export function listOperations(type: ModelType): readonly ModelRequestId[] {
  return MODEL_OPERATION_IDS.filter(isModelRequest).filter((id) => MODEL_OPERATIONS[id].modelType === type);
}

/** Whether it is a request and its answer that an upstream can serve, too. */
export function isModelRequest(id: ModelOperationId): id is ModelRequestId {
  const { answer } = MODEL_OPERATIONS[id];
  return answer !== "frames" && answer !== "composed";
}

// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the keys of a record that is not widened
const MODEL_OPERATION_IDS = Object.keys(MODEL_OPERATIONS) as ModelOperationId[];
