/** What becomes of stored chat completions: list, read, label, delete, and the messages that they answer. */

import type { AuthorisedCall, StoredChat } from "@openai-compat/core";
import { listChatCompletionsParameters, pageParameters, updateChatCompletionRequestSchema } from "@openai-compat/spec";
import type { ChatCompletionDeleted } from "@openai-compat/spec";
import { decodeBody } from "../decode-body.ts";
import type { OperationContext, OperationHandler } from "../operation-handler.ts";
import { decodeQuery } from "../stored/decode-query.ts";
import { cutPage, encodePage, notFound, requirePage, resolvePage, respondInSlices } from "../stored/page.ts";
import { requireRoom } from "../stored/require-room.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";

type StoredChatOperation =
  | "listChatCompletions"
  | "getChatCompletion"
  | "updateChatCompletion"
  | "deleteChatCompletion"
  | "getChatCompletionMessages";

const PARAMETER = "completion_id";

export function createStoredChatHandlers({
  responses,
  settings,
}: StateDependencies): Readonly<Record<StoredChatOperation, OperationHandler>> {
  /** @throws AiError `not_found` */
  async function requireChat({ principal }: AuthorisedCall, { pathParameter }: OperationContext): Promise<StoredChat> {
    const id = pathParameter(PARAMETER);
    const chat = await responses.findChat(principal.accountId, id);
    if (chat === null) throw noSuchChat(id);
    return chat;
  }
  return {
    async listChatCompletions(call, { query }) {
      const { model = null, metadata = {}, ...asked } = decodeQuery(listChatCompletionsParameters, query);
      const page = resolvePage(asked, { order: "asc", settings });
      const found = await responses.listChats(call.principal.accountId, { ...page, model, metadata });
      const { data, hasMore } = requirePage(found, page.after);
      return respondInSlices(
        encodePage(
          data.map(({ id, completion }) => ({ ...completion, id })),
          hasMore,
        ),
        call,
      );
    },
    async getChatCompletion(call, context) {
      return respondInSlices((await requireChat(call, context)).completion, call);
    },
    async updateChatCompletion(call, context) {
      const { value } = await context.readJson();
      const { metadata } = decodeBody(updateChatCompletionRequestSchema, value);
      const chat = await requireChat(call, context);
      const completion = { ...chat.completion, metadata: metadata ?? {} };
      const outcome = await responses.updateChat({ ...chat, completion }, { bytesMax: settings.accountBytesMax });
      if (outcome === "absent") throw noSuchChat(chat.id);
      requireRoom(outcome, settings, "metadata");
      return respondInSlices(completion, call);
    },
    async deleteChatCompletion({ principal }, { pathParameter }) {
      const id = pathParameter(PARAMETER);
      if (!(await responses.removeChat(principal.accountId, id))) throw noSuchChat(id);
      const answer: ChatCompletionDeleted = { object: "chat.completion.deleted", id, deleted: true };
      return Response.json(answer);
    },
    async getChatCompletionMessages(call, context) {
      const page = resolvePage(decodeQuery(pageParameters, context.query), { order: "asc", settings });
      const { messages } = await requireChat(call, context);
      const { data, hasMore } = requirePage(await cutPage(messages, page, call), page.after);
      return respondInSlices(
        encodePage(
          data.map(({ id, item }) => ({ ...item, id })),
          hasMore,
        ),
        call,
      );
    },
  };
}

function noSuchChat(id: string) {
  return notFound("Chat completion", id, PARAMETER);
}
