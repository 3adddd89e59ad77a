/**
 * Where each operation is and how its bodies travel: what a client needs before it knows a shape. It imports no zod, so
 * that a client's first bundle holds none; `operations.ts` adds the shapes.
 */
import { SPEECH_CONTENT_TYPES } from "./audio/speech-content-types.ts";

interface RouteFields {
  /** Upstream's `operationId`; the key in `operations`. */
  readonly id: string;
  /** The path below the base URL (which ends in `/v1`), with parameters in braces. */
  readonly path: `/${string}`;
}

/** How an operation streams. */
export interface Streaming {
  /** The field of the request that asks for it. */
  readonly field: string;
  /** The value of that field. */
  readonly value: boolean | string;
  /** The `type`s of which the last event has one; null where `[DONE]` ends the stream. */
  readonly lastTypes: readonly string[] | null;
}

/** A request and its answer. */
export interface HttpRoute extends RouteFields {
  readonly transport: "http";
  readonly method: "GET" | "POST" | "DELETE";
  /** How the request's body travels; `null` when there is none. */
  readonly requestContentType: "application/json" | "multipart/form-data" | null;
  /** The media types of a 200 that is no stream. All but JSON are text or bytes, without a shape. */
  readonly responseContentTypes: readonly `${string}/${string}`[];
  /** The values of `response_format` that are answered as text; all others are JSON or bytes. */
  readonly textFormats: readonly string[];
  /** `null` when the operation never streams. */
  readonly streaming: Streaming | null;
  /** The parameters that travel in the query. Absent: none. */
  readonly query?: readonly string[];
}

/**
 * A session: a GET of `path` that is upgraded (RFC 6455) and then carries JSON messages both ways. A refusal comes
 * before the upgrade, with an HTTP status. Servers don't route it as a request, and an OpenAPI document has no words
 * for it.
 */
export interface WebSocketRoute extends RouteFields {
  readonly transport: "websocket";
}

type OperationRoute = HttpRoute | WebSocketRoute;

/** The body is JSON, the answer too. */
const JSON_BOTH_WAYS = {
  transport: "http",
  method: "POST",
  requestContentType: "application/json",
  responseContentTypes: ["application/json"],
  textFormats: [],
  streaming: null,
} as const;

const COMPLETION_STREAMING = { field: "stream", value: true, lastTypes: null } as const;

/** No body, and an answer that is JSON. */
const GET = { ...JSON_BOTH_WAYS, method: "GET", requestContentType: null } as const;
const DELETE = { ...GET, method: "DELETE" } as const;

const PAGE_QUERY = ["after", "limit", "order"] as const;
const ITEM_PAGE_QUERY = [...PAGE_QUERY, "include"] as const;
const RESPONSE_STREAMING = {
  field: "stream",
  value: true,
  lastTypes: ["response.completed", "response.incomplete", "response.failed"],
} as const;
const STORED_CHAT = "/chat/completions/{completion_id}";
const STORED_RESPONSE = "/responses/{response_id}";
const CONVERSATION = "/conversations/{conversation_id}";
const CONVERSATION_ITEM = `${CONVERSATION}/items/{item_id}` as const;

export const operationRoutes = {
  listModels: { ...JSON_BOTH_WAYS, id: "listModels", method: "GET", path: "/models", requestContentType: null },
  retrieveModel: {
    ...JSON_BOTH_WAYS,
    id: "retrieveModel",
    method: "GET",
    path: "/models/{model}",
    requestContentType: null,
  },
  createChatCompletion: {
    ...JSON_BOTH_WAYS,
    id: "createChatCompletion",
    path: "/chat/completions",
    streaming: COMPLETION_STREAMING,
  },
  listChatCompletions: {
    ...GET,
    id: "listChatCompletions",
    path: "/chat/completions",
    query: ["model", "metadata", ...PAGE_QUERY],
  },
  getChatCompletion: { ...GET, id: "getChatCompletion", path: STORED_CHAT },
  updateChatCompletion: { ...JSON_BOTH_WAYS, id: "updateChatCompletion", path: STORED_CHAT },
  deleteChatCompletion: { ...DELETE, id: "deleteChatCompletion", path: STORED_CHAT },
  getChatCompletionMessages: {
    ...GET,
    id: "getChatCompletionMessages",
    path: `${STORED_CHAT}/messages`,
    query: PAGE_QUERY,
  },
  createCompletion: {
    ...JSON_BOTH_WAYS,
    id: "createCompletion",
    path: "/completions",
    streaming: COMPLETION_STREAMING,
  },
  createResponse: {
    ...JSON_BOTH_WAYS,
    id: "createResponse",
    path: "/responses",
    streaming: RESPONSE_STREAMING,
  },
  getResponse: {
    ...GET,
    id: "getResponse",
    path: STORED_RESPONSE,
    query: ["include", "stream", "starting_after", "include_obfuscation"],
    streaming: RESPONSE_STREAMING,
  },
  deleteResponse: { ...DELETE, id: "deleteResponse", path: STORED_RESPONSE },
  cancelResponse: { ...GET, id: "cancelResponse", method: "POST", path: `${STORED_RESPONSE}/cancel` },
  listInputItems: { ...GET, id: "listInputItems", path: `${STORED_RESPONSE}/input_items`, query: ITEM_PAGE_QUERY },
  Getinputtokencounts: { ...JSON_BOTH_WAYS, id: "Getinputtokencounts", path: "/responses/input_tokens" },
  Compactconversation: { ...JSON_BOTH_WAYS, id: "Compactconversation", path: "/responses/compact" },
  createConversation: { ...JSON_BOTH_WAYS, id: "createConversation", path: "/conversations" },
  getConversation: { ...GET, id: "getConversation", path: CONVERSATION },
  updateConversation: { ...JSON_BOTH_WAYS, id: "updateConversation", path: CONVERSATION },
  deleteConversation: { ...DELETE, id: "deleteConversation", path: CONVERSATION },
  createConversationItems: {
    ...JSON_BOTH_WAYS,
    id: "createConversationItems",
    path: `${CONVERSATION}/items`,
    query: ["include"],
  },
  listConversationItems: {
    ...GET,
    id: "listConversationItems",
    path: `${CONVERSATION}/items`,
    query: ITEM_PAGE_QUERY,
  },
  getConversationItem: { ...GET, id: "getConversationItem", path: CONVERSATION_ITEM, query: ["include"] },
  deleteConversationItem: { ...DELETE, id: "deleteConversationItem", path: CONVERSATION_ITEM },
  createEmbedding: { ...JSON_BOTH_WAYS, id: "createEmbedding", path: "/embeddings" },
  createTranscription: {
    ...JSON_BOTH_WAYS,
    id: "createTranscription",
    path: "/audio/transcriptions",
    requestContentType: "multipart/form-data",
    responseContentTypes: ["application/json", "text/plain"],
    textFormats: ["text", "srt", "vtt"],
    streaming: { field: "stream", value: true, lastTypes: ["transcript.text.done"] },
  },
  createTranslation: {
    ...JSON_BOTH_WAYS,
    id: "createTranslation",
    path: "/audio/translations",
    requestContentType: "multipart/form-data",
    responseContentTypes: ["application/json", "text/plain"],
    textFormats: ["text", "srt", "vtt"],
  },
  createSpeech: {
    ...JSON_BOTH_WAYS,
    id: "createSpeech",
    path: "/audio/speech",
    responseContentTypes: Object.values(SPEECH_CONTENT_TYPES),
    streaming: { field: "stream_format", value: "sse", lastTypes: ["speech.audio.done"] },
  },
  "create-realtime-client-secret": {
    ...JSON_BOTH_WAYS,
    id: "create-realtime-client-secret",
    path: "/realtime/client_secrets",
  },
  connectRealtime: { id: "connectRealtime", transport: "websocket", path: "/realtime" },
} as const satisfies Readonly<Record<string, OperationRoute>>;
