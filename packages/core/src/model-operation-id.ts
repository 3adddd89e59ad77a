/** The operations that a model serves, by their ids in the specification. */

import type { OperationId } from "@openai-compat/spec";

/** An operation that asks for no model's work, and costs nothing. */
type FreeOperationId = "listModels" | "retrieveModel" | "create-realtime-client-secret" | StateOperationId;

/** An operation on what an account has stored. */
type StateOperationId =
  | "listChatCompletions"
  | "getChatCompletion"
  | "updateChatCompletion"
  | "deleteChatCompletion"
  | "getChatCompletionMessages"
  | "getResponse"
  | "cancelResponse"
  | "deleteResponse"
  | "listInputItems"
  | "createConversation"
  | "getConversation"
  | "updateConversation"
  | "deleteConversation"
  | "createConversationItems"
  | "listConversationItems"
  | "getConversationItem"
  | "deleteConversationItem";

/** An operation that is resolved to a model and limited. All but the counting of tokens are charged. */
export type ModelOperationId = Exclude<OperationId, FreeOperationId>;

/** A session, each turn of which is admitted and charged by itself. */
type ModelSessionId = "connectRealtime";

/** A request that is served as another one, which the surface makes of it. */
type ComposedId = "Compactconversation";

/** A request and its answer that an upstream can serve, too. */
export type ModelRequestId = Exclude<ModelOperationId, ModelSessionId | ComposedId>;
