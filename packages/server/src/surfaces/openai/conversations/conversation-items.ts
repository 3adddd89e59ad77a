/** The items of a conversation: added, listed, read and deleted. */

import { AiError } from "@openai-compat/core";
import { createConversationItemsRequestSchema, includeParameter, itemPageParameters } from "@openai-compat/spec";
import { decodeBody } from "../decode-body.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { encodePage, notFound, requirePage, resolvePage, respondInSlices } from "../stored/page.ts";
import { requireRoom } from "../stored/require-room.ts";
import { showItem } from "../stored/show-item.ts";
import { resolveUse } from "../stored/state-dependencies.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";
import { encodeConversation, noSuchConversation, requireConversation } from "./conversations.ts";
import { decodeItems } from "./decode-items.ts";

type ConversationItemOperation =
  | "createConversationItems"
  | "listConversationItems"
  | "getConversationItem"
  | "deleteConversationItem";

const PARAMETER = "item_id";

export function createConversationItemHandlers(
  dependencies: StateDependencies,
): Readonly<Record<ConversationItemOperation, OperationHandler>> {
  const { responses, settings } = dependencies;
  return {
    async createConversationItems(call, context) {
      const { include } = decodeQuery(includeParameter, context.query);
      const { value } = await context.readJson();
      const { items } = decodeBody(createConversationItemsRequestSchema, value);
      const conversation = await requireConversation(dependencies, call, context);
      const stored = await decodeItems(responses, conversation.accountId, items);
      const outcome = await responses.appendItems(conversation, stored, resolveUse(settings, Date.now()));
      if (outcome === "absent") throw noSuchConversation(conversation.id);
      if (outcome === "taken") throw takenId();
      requireRoom(outcome, settings, "items");
      const shown = stored.map((item) => showItem(item, include));
      return respondInSlices(encodePage(shown, false), call);
    },
    async listConversationItems(call, context) {
      const { include, ...asked } = decodeQuery(itemPageParameters, context.query);
      const page = resolvePage(asked, { order: "desc", settings });
      const { accountId, id } = await requireConversation(dependencies, call, context);
      const { data, hasMore } = requirePage(await responses.listItems(accountId, id, page), page.after);
      const shown = data.map((item) => showItem(item, include));
      return respondInSlices(encodePage(shown, hasMore), call);
    },
    async getConversationItem(call, context) {
      const { include } = decodeQuery(includeParameter, context.query);
      const { accountId, id: conversationId } = await requireConversation(dependencies, call, context);
      const id = context.pathParameter(PARAMETER);
      const item = await responses.findItem(accountId, conversationId, id);
      if (item === null) throw notFound("Item", id, PARAMETER);
      return respondInSlices(showItem(item, include), call);
    },
    async deleteConversationItem(call, context) {
      const conversation = await requireConversation(dependencies, call, context);
      const id = context.pathParameter(PARAMETER);
      const isRemoved = await responses.removeItem(conversation.accountId, conversation.id, id);
      if (!isRemoved) throw notFound("Item", id, PARAMETER);
      return Response.json(encodeConversation(conversation));
    },
  };
}

function takenId(): AiError {
  const message =
    "Invalid 'items': the conversation has an item with one of these ids already. Leave out 'id', or delete that item first.";
  return new AiError("invalid_value", message, { param: "items" });
}
