/** Conversations: what an account keeps for responses to go on from, with labels. */

import type { AuthorisedCall, StoredConversation } from "@openai-compat/core";
import { createConversationRequestSchema, updateConversationRequestSchema } from "@openai-compat/spec";
import type { Conversation, ConversationDeleted } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { createItemId } from "../responses/response-builder.ts";
import { notFound } from "../stored/page.ts";
import { requireRoom } from "../stored/require-room.ts";
import { resolveUse } from "../stored/state-dependencies.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";
import { decodeItems } from "./decode-items.ts";

type ConversationOperation = "createConversation" | "getConversation" | "updateConversation" | "deleteConversation";

const PARAMETER = "conversation_id";

export function createConversationHandlers(
  dependencies: StateDependencies,
): Readonly<Record<ConversationOperation, OperationHandler>> {
  const { responses, settings } = dependencies;
  return {
    async createConversation(call, { readJson }) {
      const { value } = await readJson({ whenEmpty: {} });
      checkEntries(value);
      const { items, metadata } = decodeBody(createConversationRequestSchema, value);
      const { accountId } = call.principal;
      const stored = await decodeItems(responses, accountId, items ?? []);
      const use = resolveUse(settings, Date.now());
      const conversation = { id: createItemId("conv"), accountId, createdAtMs: use.nowMs, metadata: metadata ?? {} };
      requireRoom(await responses.insertConversation(conversation, stored, use), settings, "items");
      return Response.json(encodeConversation(conversation));
    },
    async getConversation(call, context) {
      return Response.json(encodeConversation(await requireConversation(dependencies, call, context)));
    },
    async updateConversation(call, context) {
      const { value } = await context.readJson();
      checkEntries(value);
      const { metadata } = decodeBody(updateConversationRequestSchema, value);
      const conversation = {
        ...(await requireConversation(dependencies, call, context)),
        metadata: metadata ?? {},
      };
      const outcome = await responses.updateConversation(conversation, { bytesMax: settings.accountBytesMax });
      if (outcome === "absent") throw noSuchConversation(conversation.id);
      requireRoom(outcome, settings, "metadata");
      return Response.json(encodeConversation(conversation));
    },
    async deleteConversation({ principal }, { pathParameter }) {
      const id = pathParameter(PARAMETER);
      if (!(await responses.removeConversation(principal.accountId, id))) throw noSuchConversation(id);
      const answer: ConversationDeleted = { id, object: "conversation.deleted", deleted: true };
      return Response.json(answer);
    },
  };
}

/** That of the path. @throws AiError `not_found` */
export async function requireConversation(
  { responses }: StateDependencies,
  { principal }: AuthorisedCall,
  { pathParameter }: Pick<OperationContext, "pathParameter">,
): Promise<StoredConversation> {
  const id = pathParameter(PARAMETER);
  const conversation = await responses.findConversation(principal.accountId, id);
  if (conversation === null) throw noSuchConversation(id);
  return conversation;
}

export function noSuchConversation(id: string) {
  return notFound("Conversation", id, PARAMETER);
}

export function encodeConversation({ id, createdAtMs, metadata }: StoredConversation) {
  return {
    id,
    object: "conversation",
    created_at: Math.floor(createdAtMs / 1000),
    metadata: { ...metadata },
  } satisfies Omit<Conversation, "metadata"> & { readonly metadata: object };
}
