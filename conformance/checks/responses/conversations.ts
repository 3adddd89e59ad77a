/** Checks of conversations: made, read, labelled and deleted by the account that made them, and no other. */

import { conversationSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import {
  expectErrorEnvelope,
  expectJsonObject,
  expectSdkValue,
  expectShape,
  expectStatus,
  expectThat,
} from "../../src/expect.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import {
  beginConversation,
  readElements,
  requireConversations,
  sayAll,
  textOfItem,
} from "../support/conversation-calls.ts";
import { OWNERS } from "../support/owners.ts";
import { askAsOther, OTHER_ACCOUNT, uniqueLabel } from "../support/stored-calls.ts";

const CONVERSATIONS = {
  area: "responses",
  level: "must",
  tier: "protocol",
  operation: "createConversation",
  needs: ["key:full"],
  reference: "OpenAPI createConversation, ConversationResource",
} as const;

const OTHERS = {
  ...CONVERSATIONS,
  needs: [...CONVERSATIONS.needs, `key:${OTHER_ACCOUNT}`],
  reference: "OWASP API1:2023 Broken Object Level Authorization",
} as const;

const UNKNOWN_ID = "conv_conformance_unknown";

export const conversationChecks: readonly Check[] = [
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.create.shape",
    requirement: "A new conversation is answered with its id, its time and its metadata.",
    breaks: "Agents keep their sessions in conversations (openai-agents): without an id they can't begin one.",
    async run(context) {
      await requireConversations(context);
      const metadata = { label: uniqueLabel() };
      const { exchange } = await context.sdk((client) => client.conversations.create({ metadata }));
      expectStatus(exchange, 200);
      const actual = JSON.stringify(expectShape(exchange, conversationSchema).metadata);
      const expected = JSON.stringify(metadata);
      expectThat(actual === expected, { observer: "schema", expected, actual });
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.create.without-body",
    level: "should",
    requirement: "A conversation is made without a body, which is not required.",
    reference: "OpenAPI createConversation.requestBody",
    breaks: "Programs that send nothing where there is nothing to say can't begin a session.",
    async run(context) {
      await requireConversations(context);
      expectStatus(await context.wire({ method: "POST", path: "/conversations" }), 200);
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.create.items",
    requirement: "Items that a conversation is made with are its first ones, in their order.",
    reference: "OpenAPI CreateConversationBody.items",
    breaks: "An agent that begins with a history has forgotten it.",
    async run(context) {
      const texts = ["The first.", "The second."];
      const { id } = await beginConversation(context, { items: sayAll(...texts) });
      const listed = await context.sdk((client) => client.conversations.items.list(id, { order: "asc" }));
      requireStatus(listed.exchange, 200, OWNERS.conversationItems);
      const actual = JSON.stringify(readElements(expectJsonObject(listed.exchange)).map(textOfItem));
      expectThat(actual === JSON.stringify(texts), { observer: "wire", expected: JSON.stringify(texts), actual });
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.create.items-limit",
    level: "should",
    requirement: "More than 20 items in one request are refused.",
    reference: "OpenAPI CreateConversationBody.items",
    breaks: "Nobody breaks: a program that is written against such a server fails on OpenAI's.",
    async run(context) {
      await requireConversations(context);
      const items = sayAll(...Array.from({ length: 21 }, (_, index) => `Item ${index}.`));
      expectRefused(await context.wire({ method: "POST", path: "/conversations", body: JSON.stringify({ items }) }));
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.create.metadata-limits",
    level: "should",
    requirement: "More than 16 labels, a key above 64 and a value above 512 characters are refused.",
    reference: "OpenAPI Metadata",
    breaks: "Nobody breaks: labels that OpenAI refuses are kept, and a program finds out when it moves.",
    async run(context) {
      await requireConversations(context);
      const many = Object.fromEntries(Array.from({ length: 17 }, (_, index) => [`key${index}`, "value"]));
      for (const metadata of [many, { ["k".repeat(65)]: "value" }, { key: "v".repeat(513) }]) {
        const body = JSON.stringify({ metadata });
        expectRefused(await context.wire({ method: "POST", path: "/conversations", body }));
      }
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.get.same",
    operation: "getConversation",
    requirement: "A conversation is read again by its id as it was made.",
    reference: "OpenAPI getConversation",
    breaks: "A session that is opened again has lost its labels.",
    async run(context) {
      const made = await beginConversation(context, { metadata: { label: uniqueLabel() } });
      const found = expectSdkValue(await context.sdk((client) => client.conversations.retrieve(made.id)));
      const [expected, actual] = [made, found].map((one) => JSON.stringify([one.id, one.created_at, one.metadata]));
      expectThat(expected === actual, { observer: "sdk", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.get.unknown-404",
    operation: "getConversation",
    requirement: "An id that no conversation has is answered with 404 and the official error body.",
    reference: "OpenAPI getConversation; openai-node core/error.ts",
    breaks: "The SDK throws no NotFoundError, so that a program can't tell a deleted session from a broken server.",
    async run(context) {
      await requireConversations(context);
      const { exchange } = await context.sdk((client) => client.conversations.retrieve(UNKNOWN_ID));
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversations.get.other-account",
    operation: "getConversation",
    requirement: "A conversation is not found with the credential of another account.",
    breaks: "Everybody who guesses or sees an id learns of other people's conversations.",
    async run(context) {
      const { id } = await beginConversation(context);
      expectStatus(await askAsOther(context, (client) => client.conversations.retrieve(id)), 404);
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.update.metadata",
    operation: "updateConversation",
    requirement: "An update replaces the metadata of a conversation, in its answer and when it is read again.",
    reference: "OpenAPI updateConversation",
    breaks: "Labels that a program sets are lost.",
    async run(context) {
      const { id } = await beginConversation(context, { metadata: { before: "1" } });
      const metadata = { after: uniqueLabel() };
      const updated = expectSdkValue(await context.sdk((client) => client.conversations.update(id, { metadata })));
      const { value } = await context.sdk((client) => client.conversations.retrieve(id));
      for (const one of [updated, value]) {
        const [expected, actual] = [metadata, one?.metadata].map((labels) => JSON.stringify(labels));
        expectThat(expected === actual, { observer: "sdk", expected: String(expected), actual });
      }
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversations.update.other-account",
    operation: "updateConversation",
    requirement: "The metadata of a conversation can't be changed with the credential of another account.",
    breaks: "Anybody relabels other people's sessions.",
    async run(context) {
      const { id } = await beginConversation(context, { metadata: { owner: "mine" } });
      await askAsOther(context, (client) => client.conversations.update(id, { metadata: { owner: "theirs" } }));
      const { value, exchange } = await context.sdk((client) => client.conversations.retrieve(id));
      requireStatus(exchange, 200, OWNERS.conversationRead);
      const actual = JSON.stringify(value?.metadata) ?? "none";
      expectThat(!actual.includes("theirs"), { observer: "wire", expected: "metadata of its own account", actual });
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.delete.answer",
    operation: "deleteConversation",
    requirement: "A deletion is answered with the id, `deleted: true` and the object `conversation.deleted`.",
    reference: "OpenAPI DeletedConversationResource",
    breaks: "Programs that check `deleted` take the deletion for failed.",
    async run(context) {
      const { id } = await beginConversation(context);
      const answer = expectSdkValue(await context.sdk((client) => client.conversations.delete(id)));
      const holds = answer.id === id && answer.deleted && answer.object === "conversation.deleted";
      expectThat(holds, { observer: "schema", expected: `${id}, deleted`, actual: JSON.stringify(answer) });
    },
  }),
  defineCheck({
    ...CONVERSATIONS,
    id: "responses.conversations.delete.gone",
    operation: "deleteConversation",
    requirement: "A conversation that was deleted is not found any more, nor are its items.",
    reference: "OpenAPI deleteConversation",
    breaks: "Users who delete their data still have it on the server.",
    async run(context) {
      const { id } = await beginConversation(context, { items: sayAll("A secret.") });
      const read = async () => (await context.sdk((client) => client.conversations.retrieve(id))).exchange;
      const list = async () => (await context.sdk((client) => client.conversations.items.list(id))).exchange;
      requireStatus(await read(), 200, OWNERS.conversationRead);
      requireStatus(await list(), 200, OWNERS.conversationItems);
      await context.sdk((client) => client.conversations.delete(id), { isRefusable: true });
      expectStatus(await read(), 404);
      expectStatus(await list(), 404);
    },
  }),
  defineCheck({
    ...OTHERS,
    id: "responses.conversations.delete.other-account",
    operation: "deleteConversation",
    requirement: "A conversation can't be deleted with the credential of another account.",
    breaks: "Anybody deletes other people's sessions.",
    async run(context) {
      const { id } = await beginConversation(context);
      requireStatus(
        (await context.sdk((client) => client.conversations.retrieve(id))).exchange,
        200,
        OWNERS.conversationRead,
      );
      await askAsOther(context, (client) => client.conversations.delete(id));
      expectStatus((await context.sdk((client) => client.conversations.retrieve(id))).exchange, 200);
    },
  }),
];
