/**
 * What a generated fault is: one that no author thought of, made by applying an operator to a place of the wire. It
 * names no check that has to find it; any may.
 */

import type { HttpOperationId } from "@openai-compat/spec";
import { type ReferenceCall, type Reply } from "../call.ts";
import { asksForStream, isStream, type Mutant } from "../mutants/mutant.ts";
import type { Fields } from "../operations/operation.ts";

/** Which answers of an operation: those that are no stream, streams, refusals, or all. */
export type Mode = "body" | "stream" | "refusal" | "any";

export interface Fault extends Pick<Mutant, "description" | "mutate"> {
  /** `chat.stream.field.text:choices[].index.absent`: the operation, the mode, the operator, the place. */
  readonly id: string;
  readonly operation: HttpOperationId | null;
  readonly mode: Mode;
  readonly operator: string;
  /** Whether a feature that the suite reports as unsupported is noticed: a refusal that names its parameter. */
  readonly isRefusal?: boolean;
}

/** A change of the wire that is no fault. */
export type Variation = Pick<Mutant, "id" | "description" | "mutate">;

/** Short names of the operations, as they begin the ids. */
export const OPERATION_NAMES: Readonly<Record<HttpOperationId, string>> = {
  listModels: "models-list",
  retrieveModel: "models-retrieve",
  createChatCompletion: "chat",
  listChatCompletions: "stored-chats-list",
  getChatCompletion: "stored-chats-get",
  updateChatCompletion: "stored-chats-update",
  deleteChatCompletion: "stored-chats-delete",
  getChatCompletionMessages: "stored-chats-messages",
  createCompletion: "completions",
  createResponse: "responses",
  getResponse: "responses-get",
  cancelResponse: "responses-cancel",
  deleteResponse: "responses-delete",
  listInputItems: "responses-input-items",
  Getinputtokencounts: "responses-input-tokens",
  Compactconversation: "responses-compact",
  createConversation: "conversations",
  getConversation: "conversations-get",
  updateConversation: "conversations-update",
  deleteConversation: "conversations-delete",
  createConversationItems: "conversation-items",
  listConversationItems: "conversation-items-list",
  getConversationItem: "conversation-items-get",
  deleteConversationItem: "conversation-items-delete",
  createEmbedding: "embeddings",
  createTranscription: "transcriptions",
  createTranslation: "translations",
  createSpeech: "speech",
  "create-realtime-client-secret": "client-secrets",
};

/** Those that stream where the request asks for it. */
const STREAMING: readonly HttpOperationId[] = [
  "createChatCompletion",
  "createCompletion",
  "createResponse",
  "createTranscription",
  "createSpeech",
];

export function listModes(operation: HttpOperationId): readonly ("body" | "stream")[] {
  return STREAMING.includes(operation) ? ["body", "stream"] : ["body"];
}

export function modeOfReply(reply: Reply): "body" | "stream" | "refusal" {
  if (reply.status >= 400) return "refusal";
  return isStream(reply) ? "stream" : "body";
}

export function modeOfFields(fields: Fields): "body" | "stream" {
  return asksForStream(fields) ? "stream" : "body";
}

/** The mode that a call asks for, found in the bytes of its body: JSON or a form. */
export function modeOfCall(call: ReferenceCall): "body" | "stream" {
  const text = Buffer.from(call.body ?? []).toString("latin1");
  const asks = /"stream"\s*:\s*true|"stream_format"\s*:\s*"sse"|name="stream"\r\n\r\ntrue/;
  return asks.test(text) ? "stream" : "body";
}
