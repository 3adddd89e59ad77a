/** Servers that show stored chat completions to the wrong account, lose them, or list them wrongly. */

import { isJsonObject } from "../../../src/expect.ts";
import { encodePage } from "../../operations/pages.ts";
import { type Mutant, mutateOperation, mutateReply, omit } from "../mutant.ts";

/** Of the key that most checks use. */
const OWNER = "reference";

type ChatOperation =
  | "getChatCompletion"
  | "updateChatCompletion"
  | "deleteChatCompletion"
  | "getChatCompletionMessages";

/** Takes every caller for the owner. */
function shareWithAll(operation: ChatOperation, intended: string): Mutant {
  const naming = {
    id: `${intended}-let-in`,
    description: `${operation} does not ask whose it is`,
    intended: [intended],
  };
  return mutateOperation(naming, operation, ({ answer }) => ({
    answer: (request, context) => answer(request, { ...context, account: OWNER }),
  }));
}

/** Loses a parameter of the query of a list. */
function loseFromQuery(
  id: string,
  parameter: string,
  intended: string,
  when: (limit: unknown) => boolean = () => true,
): Mutant {
  const naming = { id, description: `a list does not look at \`${parameter}\``, intended: [intended] };
  return mutateOperation(naming, "listChatCompletions", ({ answer }) => ({
    answer: (request, context) => answer(when(request["limit"]) ? omit(request, parameter) : request, context),
  }));
}

export const storedChatMutants: readonly Mutant[] = [
  shareWithAll("getChatCompletion", "responses.stored-chats.get.other-account"),
  shareWithAll("updateChatCompletion", "responses.stored-chats.update.other-account"),
  shareWithAll("deleteChatCompletion", "responses.stored-chats.delete.other-account"),
  shareWithAll("getChatCompletionMessages", "responses.stored-chats.messages.other-account"),
  mutateOperation(
    {
      id: "responses.stored-chats.list-of-all",
      description: "a list holds the completions of all accounts",
      intended: ["responses.stored-chats.list.other-account"],
    },
    "listChatCompletions",
    ({ answer }) => ({ answer: (request, context) => answer(request, { ...context, account: OWNER }) }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.without-text",
      description: "a stored completion has no choices",
      intended: ["responses.stored-chats.get.same", "responses.stored-chats.get.streamed"],
    },
    "getChatCompletion",
    () => ({ encode: ({ body }) => ({ ...body, choices: [] }) }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.streams-not-stored",
      description: "a streamed completion is not stored",
      intended: ["responses.stored-chats.get.streamed"],
    },
    "createChatCompletion",
    ({ answer }) => ({
      answer: (request, context) => answer(request["stream"] === true ? omit(request, "store") : request, context),
    }),
  ),
  mutateReply(
    {
      id: "responses.stored-chats.unknown-is-400",
      description: "an unknown id is a 400",
      intended: ["responses.stored-chats.get.unknown-404"],
    },
    (reply, { operation, path }) =>
      operation === "getChatCompletion" && reply.status === 404 && path.endsWith("conformance-unknown"),
    () => ({ status: 400 }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.delete-nothing",
      description: "a deletion only says that it deletes",
      intended: ["responses.stored-chats.delete.gone"],
    },
    "deleteChatCompletion",
    () => ({
      answer: (request) => {
        const body = { object: "chat.completion.deleted", id: request["completion_id"], deleted: true, kept: true };
        return { request, cost: 0, breaksAfter: null, body };
      },
    }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.delete-without-word",
      description: "a deletion is answered with an empty object",
      intended: ["responses.stored-chats.delete.answer"],
    },
    "deleteChatCompletion",
    () => ({ encode: () => ({}) }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.update-nothing",
      description: "an update changes nothing",
      intended: ["responses.stored-chats.update.metadata"],
    },
    "updateChatCompletion",
    ({ answer }) => ({
      answer: (request, context) => answer({ ...request, metadata: { before: "1" } }, context),
    }),
  ),
  loseFromQuery("responses.stored-chats.after-ignored", "after", "responses.stored-chats.list.pages"),
  loseFromQuery("responses.stored-chats.order-ignored", "order", "responses.stored-chats.list.order"),
  loseFromQuery(
    "responses.stored-chats.filter-ignored",
    "metadata",
    "responses.stored-chats.list.filter",
    (limit) => limit === "20",
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.page-without-ids",
      description: "a page does not say its first and last id",
      intended: ["responses.stored-chats.list.shape"],
    },
    "listChatCompletions",
    () => ({ encode: ({ page }) => omit(omit(encodePage(page), "first_id"), "last_id") }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.any-limit",
      description: "any limit is accepted",
      intended: ["responses.stored-chats.list.limit-refused"],
    },
    "listChatCompletions",
    () => ({ validate: () => null }),
  ),
  mutateOperation(
    {
      id: "responses.stored-chats.messages-reversed",
      description: "the messages come in the reverse order",
      intended: ["responses.stored-chats.messages.same"],
    },
    "getChatCompletionMessages",
    () => ({
      encode: ({ body }) => ({ ...body, data: [body["data"]].flat().filter(isJsonObject).toReversed() }),
    }),
  ),
];
