/** Servers that show conversations to the wrong account, lose them, or list their items wrongly. */

import { isJsonObject, type JsonObject } from "../../../src/expect.ts";
import type { ReferenceOperations } from "../../operations/index.ts";
import { type Mutant, mutateOperation, mutateReply, type Naming, omit } from "../mutant.ts";

/** Of the key that most checks use. */
const OWNER = "reference";

type ConversationOperation = {
  [Id in keyof ReferenceOperations]: ReferenceOperations[Id] extends ReferenceOperations["getConversation"]
    ? Id
    : never;
}[keyof ReferenceOperations] &
  `${string}Conversation${string}`;

/** Takes every caller for the owner. */
function shareWithAll(operation: ConversationOperation, intended: string): Mutant {
  const naming = {
    id: `${intended}-let-in`,
    description: `${operation} does not ask whose it is`,
    intended: [intended],
  };
  return mutateOperation(naming, operation, ({ answer }) => ({
    answer: (request, context) => answer(request, { ...context, account: OWNER }),
  }));
}

/** Answers without doing it. */
function pretend(naming: Naming, operation: ConversationOperation, say: (request: JsonObject) => JsonObject): Mutant {
  return mutateOperation(naming, operation, () => ({
    answer: (request) => ({ request, cost: 0, breaksAfter: null, body: say(request) }),
  }));
}

function change(naming: Naming, operation: ConversationOperation, edit: (body: JsonObject) => JsonObject): Mutant {
  return mutateOperation(naming, operation, ({ encode }) => ({
    encode: (answer) => {
      const body = encode(answer);
      return isJsonObject(body) ? edit(body) : body;
    },
  }));
}

/** Loses a field of the request, or a parameter. */
function lose(naming: Naming, operation: ConversationOperation, ...names: readonly string[]): Mutant {
  return mutateOperation(naming, operation, ({ answer }) => ({
    answer: (request, context) =>
      answer(
        names.reduce((rest, name) => omit(rest, name), request),
        context,
      ),
  }));
}

/** A missing one is a bad request. */
function unknownIs400(operation: ConversationOperation, intended: string): Mutant {
  return mutateReply(
    { id: `${intended}-is-400`, description: `${operation} answers an unknown id with 400`, intended: [intended] },
    (reply, call) => call.operation === operation && reply.status === 404 && call.path.endsWith("conformance_unknown"),
    () => ({ status: 400 }),
  );
}

function validateNothing(naming: Naming, operation: ConversationOperation): Mutant {
  return mutateOperation(naming, operation, () => ({ validate: () => null }));
}

const PAGES = "responses.conversation-items.list.pages";
const SHAPE = "responses.conversation-items.list.shape";

export const conversationMutants: readonly Mutant[] = [
  shareWithAll("getConversation", "responses.conversations.get.other-account"),
  shareWithAll("updateConversation", "responses.conversations.update.other-account"),
  shareWithAll("deleteConversation", "responses.conversations.delete.other-account"),
  shareWithAll("createConversationItems", "responses.conversation-items.create.other-account"),
  shareWithAll("listConversationItems", "responses.conversation-items.list.other-account"),
  shareWithAll("getConversationItem", "responses.conversation-items.get.other-account"),
  shareWithAll("deleteConversationItem", "responses.conversation-items.delete.other-account"),
  unknownIs400("getConversation", "responses.conversations.get.unknown-404"),
  unknownIs400("getConversationItem", "responses.conversation-items.get.unknown-404"),
  change(
    {
      id: "responses.conversations.without-time",
      description: "a new conversation does not say when it was made",
      intended: ["responses.conversations.create.shape", "responses.conversations.get.same"],
    },
    "createConversation",
    (body) => omit(body, "created_at"),
  ),
  mutateOperation(
    {
      id: "responses.conversations.demand-body",
      description: "a conversation without a body is refused",
      intended: ["responses.conversations.create.without-body"],
    },
    "createConversation",
    ({ decode }) => ({
      decode: (call, reader) => decode(call.body?.length === 0 ? { ...call, body: Buffer.from(" ") } : call, reader),
    }),
  ),
  lose(
    {
      id: "responses.conversations.first-items-lost",
      description: "a conversation is made without its items",
      intended: ["responses.conversations.create.items"],
    },
    "createConversation",
    "items",
  ),
  mutateOperation(
    {
      id: "responses.conversations.any-items",
      description: "a conversation is made with any number of items",
      intended: ["responses.conversations.create.items-limit"],
    },
    "createConversation",
    ({ validate }) => ({ validate: (request) => validate(omit(request, "items")) }),
  ),
  mutateOperation(
    {
      id: "responses.conversations.any-labels",
      description: "a conversation is made with any labels",
      intended: ["responses.conversations.create.metadata-limits"],
    },
    "createConversation",
    ({ validate }) => ({ validate: (request) => validate(omit(request, "metadata")) }),
  ),
  mutateOperation(
    {
      id: "responses.conversations.long-values",
      description: "a label may be of any length",
      intended: ["responses.conversations.create.metadata-limits"],
    },
    "createConversation",
    ({ validate }) => ({
      validate: (request) =>
        validate(JSON.stringify(request["metadata"] ?? {}).length > 500 ? omit(request, "metadata") : request),
    }),
  ),
  change(
    {
      id: "responses.conversations.read-without-labels",
      description: "a conversation is read without its labels",
      intended: ["responses.conversations.get.same", "responses.conversations.update.metadata"],
    },
    "getConversation",
    (body) => ({ ...body, metadata: {} }),
  ),
  mutateOperation(
    {
      id: "responses.conversations.update-nothing",
      description: "an update changes nothing",
      intended: ["responses.conversations.update.metadata"],
    },
    "updateConversation",
    ({ answer }) => ({
      answer: (request, context) => answer({ ...request, metadata: { before: "1" } }, context),
    }),
  ),
  change(
    {
      id: "responses.conversations.delete-without-word",
      description: "the deletion of a conversation is answered with an empty object",
      intended: ["responses.conversations.delete.answer"],
    },
    "deleteConversation",
    () => ({}),
  ),
  pretend(
    {
      id: "responses.conversations.delete-nothing",
      description: "the deletion of a conversation only says that it deletes",
      intended: ["responses.conversations.delete.gone"],
    },
    "deleteConversation",
    ({ conversation_id: id }) => ({ id, object: "conversation.deleted", deleted: true, kept: true }),
  ),
  change(
    {
      id: "responses.conversation-items.added-without-status",
      description: "an item that was added has no status",
      intended: ["responses.conversation-items.create.answer"],
    },
    "createConversationItems",
    (body) => ({ ...body, data: [body["data"]].flat().map((item) => omit(Object(item), "status")) }),
  ),
  change(
    {
      id: "responses.conversation-items.added-reversed",
      description: "the items that were added are answered in the reverse order",
      intended: ["responses.conversation-items.create.answer"],
    },
    "createConversationItems",
    (body) => ({ ...body, reversed: true, data: [body["data"]].flat().toReversed() }),
  ),
  lose(
    {
      id: "responses.conversation-items.after-ignored",
      description: "a list of items does not look at `after`",
      intended: [PAGES, "responses.conversation-items.list.after-deletions"],
    },
    "listConversationItems",
    "after",
  ),
  mutateOperation(
    {
      id: "responses.conversation-items.numbered-pages",
      description: "a page goes on from a number of items, not from an item",
      intended: ["responses.conversation-items.list.after-deletions"],
    },
    "listConversationItems",
    ({ answer }) => {
      const places = new Map<unknown, number>();
      return {
        answer(request, context) {
          const whole = answer({ ...omit(request, "after"), limit: "100" }, context);
          if ("status" in whole) return whole;
          const items = [whole.body["data"]].flat().filter(isJsonObject);
          const { after, limit = 20 } = request;
          const from = after === undefined ? 0 : (places.get(after) ?? PLACE);
          for (const [index, item] of items.entries()) places.set(item["id"], index + 1);
          const data = items.slice(from, from + Number(limit));
          const ends = { first_id: data[0]?.["id"] ?? null, last_id: data.at(-1)?.["id"] ?? null };
          const more = items.length > from + Number(limit);
          return { ...whole, body: { object: "list", data, ...ends, has_more: more } };
        },
      };
    },
  ),
  mutateOperation(
    {
      id: "responses.conversation-items.oldest-first",
      description: "a list without an order begins with the oldest item",
      intended: ["responses.conversation-items.list.order"],
    },
    "listConversationItems",
    ({ answer }) => ({ answer: (request, context) => answer({ order: "asc", ...request }, context) }),
  ),
  change(
    {
      id: "responses.conversation-items.page-without-ids",
      description: "a page of items does not say its first and last id",
      intended: [SHAPE, PAGES],
    },
    "listConversationItems",
    (body) => omit(omit(body, "first_id"), "last_id"),
  ),
  validateNothing(
    {
      id: "responses.conversation-items.any-limit",
      description: "any limit is accepted",
      intended: ["responses.conversation-items.list.limit-refused"],
    },
    "listConversationItems",
  ),
  change(
    {
      id: "responses.conversation-items.read-without-content",
      description: "an item is read without its content",
      intended: ["responses.conversation-items.get.same"],
    },
    "getConversationItem",
    (body) => ({ ...body, content: [] }),
  ),
  pretend(
    {
      id: "responses.conversation-items.delete-nothing",
      description: "the deletion of an item only says that it deletes",
      intended: ["responses.conversation-items.delete.gone"],
    },
    "deleteConversationItem",
    ({ conversation_id: id }) => ({
      id,
      object: "conversation",
      created_at: 1,
      metadata: { label: "kept" },
    }),
  ),
  change(
    {
      id: "responses.conversation-items.delete-says-so",
      description: "the deletion of an item is answered as that of a conversation",
      intended: ["responses.conversation-items.delete.answer"],
    },
    "deleteConversationItem",
    ({ id }) => ({ id, object: "conversation.deleted", deleted: true }),
  ),
];

/** Of an item that no list has shown: two others stand before it. */
const PLACE = 2;
