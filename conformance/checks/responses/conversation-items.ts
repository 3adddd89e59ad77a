/** Checks of the items of a conversation: added, listed page by page, read and deleted by its account alone. */

import { itemListSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import {
  expectErrorEnvelope,
  expectJsonObject,
  expectSdkValue,
  expectShape,
  expectStatus,
  expectThat,
  requireSuccess,
} from "../../src/expect.ts";
import {
  addItems,
  beginConversation,
  beginWith,
  callAsOther,
  listItems,
  readElements,
  sayAll,
  textOfItem,
  walk,
} from "../support/conversation-calls.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";
import { OTHER_ACCOUNT } from "../support/stored-calls.ts";

const ITEMS = {
  area: "responses",
  level: "must",
  tier: "protocol",
  operation: "listConversationItems",
  needs: ["key:full"],
  reference: "OpenAPI listConversationItems, ConversationItemList",
} as const;

const OTHERS = {
  ...ITEMS,
  needs: [...ITEMS.needs, `key:${OTHER_ACCOUNT}`],
  reference: "OWASP API1:2023 Broken Object Level Authorization",
} as const;

const TEXTS = ["The first.", "The second.", "The third."];
const UNKNOWN_ID = "msg_conformance_unknown";

export const conversationItemChecks: readonly Check[] = [
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.create.answer",
    operation: "createConversationItems",
    requirement: "Items that are added are answered as a list, in their order, each with an id and a status.",
    reference: "OpenAPI createConversationItems, ConversationItemList",
    breaks: "A program can't name, or delete again, what it has added.",
    async run(context) {
      const { id } = await beginConversation(context);
      const body = { items: sayAll(...TEXTS) };
      const { exchange } = await context.sdk((client) => client.conversations.items.create(id, body));
      expectStatus(exchange, 200);
      expectShape(exchange, itemListSchema);
      const actual = JSON.stringify(readElements(expectJsonObject(exchange)).map(textOfItem));
      expectThat(actual === JSON.stringify(TEXTS), { observer: "wire", expected: JSON.stringify(TEXTS), actual });
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversation-items.create.other-account",
    operation: "createConversationItems",
    requirement: "Nobody adds items to a conversation of another account.",
    breaks: "A stranger puts words into another user's session.",
    async run(context) {
      const { id } = await beginWith(context, "Mine.");
      await callAsOther(context, (client) => client.conversations.items.create(id, { items: sayAll("Theirs.") }));
      const exchange = await listItems(context, id);
      requireStatus(exchange, 200, OWNERS.conversationItemList);
      const actual = JSON.stringify(readElements(expectJsonObject(exchange)).map(textOfItem));
      expectThat(!actual.includes("Theirs."), { observer: "wire", expected: "items of its own account", actual });
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.list.pages",
    requirement: "The SDK's pages of items hold each of them once, the oldest first, also two at a time.",
    reference: "OpenAPI listConversationItems; openai-node core/pagination.ts ConversationCursorPage",
    breaks: "Agents that read a session back miss turns, see some twice, or never come to an end.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS);
      const walked = await context.sdk((client) =>
        walk(client.conversations.items.list(id, { limit: 2, order: "asc" }), {
          read: (item) => String(item.id),
          most: ids.length,
        }),
      );
      const found = expectSdkValue(walked);
      expectThat(found.join() === ids.join(), { observer: "sdk", expected: ids.join(), actual: found.join() });
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.list.after-deletions",
    requirement: "A page goes on behind its cursor, whatever was deleted before or behind it in the meantime.",
    reference: "OpenAPI listConversationItems.after",
    breaks: "A program that tidies up while it reads misses turns, or sees some twice.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS, "The fourth.");
      const [first, cursor, third, fourth] = ids.map(String);
      for (const item of [first, third]) {
        const call = { conversation_id: id };
        const { exchange } = await context.sdk((client) => client.conversations.items.delete(String(item), call));
        requireStatus(exchange, 200, OWNERS.conversationItemDeleted);
      }
      const exchange = await listItems(context, id, `order=asc&after=${String(cursor)}`);
      expectStatus(exchange, 200);
      const found = readElements(expectJsonObject(exchange)).map((item) => item["id"]);
      if (found.includes(third)) throw new Inconclusive("an item was not deleted", OWNERS.conversationItemDeleted);
      expectThat(found.join() === fourth, { observer: "wire", expected: String(fourth), actual: found.join() });
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.list.order",
    requirement: "With `order=desc`, and without an order, the newest item comes first.",
    reference: "OpenAPI listConversationItems.order",
    breaks: "A session shows its beginning where the latest turn is looked for.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS);
      const expected = ids.toReversed().join();
      for (const query of ["order=desc", "limit=20"]) {
        const exchange = await listItems(context, id, query);
        expectStatus(exchange, 200);
        const actual = readElements(expectJsonObject(exchange))
          .map((item) => item["id"])
          .join();
        expectThat(actual === expected, { observer: "wire", expected, actual: `${actual} for ${query}` });
      }
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.list.shape",
    requirement: "A page says what it is: `object`, `data`, `has_more`, and the ids of its first and last element.",
    reference: "OpenAPI ConversationItemList; openai-node core/pagination.ts ConversationCursorPage",
    breaks: "The SDK goes on from `last_id`: without it, it stops after the first page.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS);
      const exchange = await listItems(context, id, "order=asc&limit=2");
      expectStatus(exchange, 200);
      const { first_id: first, last_id: last, has_more: more } = expectShape(exchange, itemListSchema);
      const [expected, actual] = [
        [ids[0], ids[1], true],
        [first, last, more],
      ].map((facts) => JSON.stringify(facts));
      expectThat(actual === expected, { observer: "schema", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.list.limit-refused",
    level: "should",
    requirement: "A `limit` below 1 is refused.",
    reference: "OpenAPI listConversationItems.limit",
    breaks: "A program whose limit is miscalculated waits for a page that never fills, or gets everything at once.",
    async run(context) {
      const { id } = await beginConversation(context);
      expectRefused(await listItems(context, id, "limit=0"));
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversation-items.list.other-account",
    requirement: "The items of a conversation are not listed with the credential of another account.",
    breaks: "Everybody who guesses or sees an id reads other people's conversations.",
    async run(context) {
      const { id } = await beginWith(context, "Mine.");
      const { exchange } = await callAsOther(context, (client) => client.conversations.items.list(id));
      expectStatus(exchange, 404);
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.get.same",
    operation: "getConversationItem",
    requirement: "An item is read by its id as it was added.",
    reference: "OpenAPI getConversationItem",
    breaks: "A program that has kept the id of a turn shows another one, or none.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS);
      const call = { conversation_id: id };
      const { exchange } = await context.sdk((client) => client.conversations.items.retrieve(String(ids[1]), call));
      expectStatus(exchange, 200);
      const found = expectJsonObject(exchange);
      const [expected, actual] = [
        [ids[1], TEXTS[1]],
        [found["id"], textOfItem(found)],
      ].map((one) => one.join(": "));
      expectThat(actual === expected, { observer: "wire", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.get.unknown-404",
    operation: "getConversationItem",
    requirement: "An id that no item of the conversation has is answered with 404 and the official error body.",
    reference: "OpenAPI getConversationItem; openai-node core/error.ts",
    breaks: "The SDK throws no NotFoundError, so that a program can't tell a deleted turn from a broken server.",
    async run(context) {
      const { id } = await beginConversation(context);
      const call = { conversation_id: id };
      const { exchange } = await context.sdk((client) => client.conversations.items.retrieve(UNKNOWN_ID, call));
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversation-items.get.other-account",
    operation: "getConversationItem",
    requirement: "An item of a conversation is not found with the credential of another account.",
    breaks: "Everybody who guesses or sees an id reads other people's conversations.",
    async run(context) {
      const { id, ids } = await beginWith(context, "Mine.");
      const { exchange } = await callAsOther(context, (client) =>
        client.conversations.items.retrieve(String(ids[0]), { conversation_id: id }),
      );
      expectStatus(exchange, 404);
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.delete.gone",
    operation: "deleteConversationItem",
    requirement: "An item that was deleted is not found any more, and the others of its conversation are.",
    reference: "OpenAPI deleteConversationItem",
    breaks: "What a user takes back stays in the conversation, or takes the rest of it along.",
    async run(context) {
      const { id, ids } = await beginWith(context, ...TEXTS);
      const call = { conversation_id: id };
      await context.sdk((client) => client.conversations.items.delete(String(ids[0]), call), { isRefusable: true });
      const read = async (item: string | undefined) =>
        (await context.sdk((client) => client.conversations.items.retrieve(String(item), call))).exchange;
      expectStatus(await read(ids[0]), 404);
      expectStatus(await read(ids[1]), 200);
    },
  }),
  defineCheck({
    ...ITEMS,
    id: "responses.conversation-items.delete.answer",
    operation: "deleteConversationItem",
    requirement: "The deletion of an item is answered with its conversation.",
    reference: "OpenAPI deleteConversationItem, ConversationResource",
    breaks: "Typed clients read the conversation's fields from the answer, and find none.",
    async run(context) {
      const { id } = await beginConversation(context, { metadata: { label: "kept" } });
      const [item] = await addItems(context, id, TEXTS);
      const call = { conversation_id: id };
      const answer = expectSdkValue(
        await context.sdk((client) => client.conversations.items.delete(String(item), call)),
      );
      const [expected, actual] = [
        [id, "conversation", { label: "kept" }],
        [answer.id, answer.object, answer.metadata],
      ].map((facts) => JSON.stringify(facts));
      expectThat(actual === expected, { observer: "sdk", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversation-items.delete.other-account",
    operation: "deleteConversationItem",
    requirement: "An item of a conversation can't be deleted with the credential of another account.",
    breaks: "Anybody takes turns out of other people's sessions.",
    async run(context) {
      const { id, ids } = await beginWith(context, "Mine.");
      const call = { conversation_id: id };
      const read = async () => context.sdk((client) => client.conversations.items.retrieve(String(ids[0]), call));
      requireSuccess(await read(), OWNERS.conversationItemRead);
      await callAsOther(context, (client) => client.conversations.items.delete(String(ids[0]), call));
      expectStatus((await read()).exchange, 200);
    },
  }),
];
