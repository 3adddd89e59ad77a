/** Checks of stored chat completions: read, listed, labelled and deleted by the account that made them, and no other. */

import type OpenAI from "openai";
import { chatCompletionListSchema, chatCompletionMessageListSchema } from "@openai-compat/spec";
import type { ChatCompletion } from "openai/resources/chat/completions";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import {
  expectErrorEnvelope,
  expectSdkValue,
  expectShape,
  expectStatus,
  expectThat,
  isJsonObject,
  requireSuccess,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { composeSdkStream, userMessage } from "../support/chat-calls.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import { askAsOther, OTHER_ACCOUNT, requireStoredChats, storeChat, uniqueLabel } from "../support/stored-calls.ts";
import { OWNERS, answerOwners } from "../support/owners.ts";

const STORED = {
  area: "responses",
  level: "must",
  tier: "protocol",
  operation: "getChatCompletion",
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI getChatCompletion; openai-node resources/chat/completions/completions.ts",
} as const;

const UNKNOWN_ID = "chatcmpl-conformance-unknown";

function textOf(completion: Partial<ChatCompletion> | undefined): string {
  return JSON.stringify(completion?.choices?.map(({ message }) => message.content));
}

/** Several with one label, the oldest first. */
async function storeLabelled(context: CheckContext, count: number): Promise<{ label: string; ids: readonly string[] }> {
  const label = uniqueLabel();
  const ids: string[] = [];
  while (ids.length < count) ids.push((await storeChat(context, { metadata: { label } })).id);
  return { label, ids };
}

/** The ids and the text of the chunks. */
async function readStreamed(client: OpenAI, request: ReturnType<typeof composeSdkStream>) {
  const seen = { ids: new Set<string>(), text: "" };
  for await (const { id, choices } of await client.chat.completions.create(request)) {
    seen.ids.add(id);
    const delta: unknown = choices[0]?.delta.content ?? "";
    seen.text += typeof delta === "string" ? delta : "";
  }
  return seen;
}

export const storedChatChecks: readonly Check[] = [
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.get.same",
    requirement:
      "A completion that was made with `store: true` is retrievable by its id, with the text that was answered.",
    breaks: "Programs that read a completion back later get an error, or another text than their user has seen.",
    async run(context) {
      const made = await storeChat(context);
      const found = expectSdkValue(await context.sdk((client) => client.chat.completions.retrieve(made.id)));
      const [expected, actual] = [made, found].map((one) => `${one.id}: ${textOf(one)}`);
      expectThat(expected === actual, { observer: "sdk", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.get.streamed",
    requirement: "A streamed completion with `store: true` is stored as well, with all of its text.",
    breaks: "What was streamed is missing from a program's history, or half of it is.",
    async run(context) {
      await requireStoredChats(context);
      const request = { ...composeSdkStream(context), store: true };
      const streamed = await context.sdk((client) => readStreamed(client, request));
      const { ids, text } = requireSuccess(streamed, answerOwners(streamed.exchange));
      const [id] = ids;
      if (id === undefined || ids.size > 1) throw new Inconclusive("the chunks have no one id", OWNERS.streamId);
      const found = expectSdkValue(await context.sdk((client) => client.chat.completions.retrieve(id)));
      const [actual, whole] = [textOf(found), textOf(await storeChat(context, { messages: request.messages }))];
      const isLost = actual !== JSON.stringify([text]);
      if (isLost && actual === whole) throw new Inconclusive("the stream lacks some of its text", OWNERS.streamText);
      expectThat(!isLost, { observer: "sdk", expected: JSON.stringify([text]), actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.get.unknown-404",
    requirement: "An id that nothing is stored under is answered with 404 and the official error body.",
    breaks: "The SDK throws no NotFoundError, so that a program can't tell a deleted completion from a broken server.",
    async run(context) {
      await storeChat(context);
      const { exchange } = await context.sdk((client) => client.chat.completions.retrieve(UNKNOWN_ID));
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.get.other-account",
    needs: [...STORED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "A stored completion is not found with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Everybody who guesses or sees an id reads other people's conversations.",
    async run(context) {
      const { id } = await storeChat(context);
      expectStatus(await askAsOther(context, (client) => client.chat.completions.retrieve(id)), 404);
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.messages.other-account",
    operation: "getChatCompletionMessages",
    needs: [...STORED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "The messages of a stored completion are not found with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Everybody who guesses or sees an id reads what other people have asked.",
    async run(context) {
      const { id } = await storeChat(context);
      expectStatus(await askAsOther(context, (client) => client.chat.completions.messages.list(id)), 404);
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.other-account",
    operation: "listChatCompletions",
    needs: [...STORED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "The list of stored completions holds none of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "One user's list shows the conversations of all.",
    async run(context) {
      const { label, ids } = await storeLabelled(context, 1);
      const list = await context.sdk((client) => client.chat.completions.list({ metadata: { label } }), {
        credential: OTHER_ACCOUNT,
      });
      requireStatus(list.exchange, 200);
      const found = list.value?.data.map(({ id }) => id) ?? [];
      expectThat(!found.includes(String(ids[0])), {
        observer: "wire",
        expected: "no id of another",
        actual: found.join(),
      });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.delete.other-account",
    operation: "deleteChatCompletion",
    needs: [...STORED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "A stored completion can't be deleted with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Anybody deletes what others have stored.",
    async run(context) {
      const { id } = await storeChat(context);
      requireStatus((await context.sdk((client) => client.chat.completions.retrieve(id))).exchange, 200);
      await askAsOther(context, (client) => client.chat.completions.delete(id));
      expectStatus((await context.sdk((client) => client.chat.completions.retrieve(id))).exchange, 200);
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.update.other-account",
    operation: "updateChatCompletion",
    needs: [...STORED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "The metadata of a stored completion can't be changed with the credential of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "Anybody relabels what others have stored.",
    async run(context) {
      const { id } = await storeChat(context, { metadata: { owner: "mine" } });
      await askAsOther(context, (client) => client.chat.completions.update(id, { metadata: { owner: "theirs" } }));
      const { value, exchange } = await context.sdk((client) => client.chat.completions.retrieve(id));
      requireStatus(exchange, 200);
      const actual = JSON.stringify(value?.metadata);
      expectThat(!actual?.includes("theirs"), { observer: "wire", expected: "metadata of its own account", actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.delete.gone",
    operation: "deleteChatCompletion",
    requirement: "A completion that was deleted is not found any more.",
    reference: "OpenAPI deleteChatCompletion",
    breaks: "Users who delete their data still have it on the server.",
    async run(context) {
      const { id } = await storeChat(context);
      requireStatus((await context.sdk((client) => client.chat.completions.retrieve(id))).exchange, 200);
      requireStatus((await context.sdk((client) => client.chat.completions.delete(id))).exchange, 200);
      expectStatus((await context.sdk((client) => client.chat.completions.retrieve(id))).exchange, 404);
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.delete.answer",
    operation: "deleteChatCompletion",
    requirement: "A deletion is answered with the id, `deleted: true` and the object `chat.completion.deleted`.",
    reference: "OpenAPI ChatCompletionDeleted",
    breaks: "Programs that check `deleted` take the deletion for failed.",
    async run(context) {
      const { id } = await storeChat(context);
      const answer = expectSdkValue(await context.sdk((client) => client.chat.completions.delete(id)));
      const holds = answer.id === id && answer.deleted && answer.object === "chat.completion.deleted";
      expectThat(holds, { observer: "schema", expected: `${id}, deleted`, actual: JSON.stringify(answer) });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.update.metadata",
    operation: "updateChatCompletion",
    requirement: "An update replaces the metadata of a stored completion, in its answer and when it is read again.",
    reference: "OpenAPI updateChatCompletion",
    breaks: "Labels that a program sets are lost, and its filters find nothing.",
    async run(context) {
      const { id } = await storeChat(context, { metadata: { before: "1" } });
      const metadata = { after: uniqueLabel() };
      const updated = expectSdkValue(await context.sdk((client) => client.chat.completions.update(id, { metadata })));
      const { value } = await context.sdk((client) => client.chat.completions.retrieve(id));
      for (const one of [updated, value]) {
        const [expected, actual] = [metadata, one?.metadata].map((labels) => JSON.stringify(labels));
        expectThat(expected === actual, { observer: "sdk", expected: String(expected), actual });
      }
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.pages",
    operation: "listChatCompletions",
    requirement: "The SDK's pages of stored completions hold each of them once, the oldest first, also two at a time.",
    reference: "OpenAPI listChatCompletions; openai-node core/pagination.ts CursorPage",
    breaks: "Programs that walk through the list miss completions, see some twice, or never come to an end.",
    async run(context) {
      const { label, ids } = await storeLabelled(context, 3);
      const walked = await context.sdk(async (client) => {
        const found: string[] = [];
        for await (const { id } of client.chat.completions.list({ metadata: { label }, limit: 2, order: "asc" })) {
          found.push(id);
          if (found.length > ids.length) break;
        }
        return found;
      });
      const found = expectSdkValue(walked);
      expectThat(found.join() === ids.join(), { observer: "sdk", expected: ids.join(), actual: found.join() });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.order",
    operation: "listChatCompletions",
    requirement: "With `order=desc` the newest stored completion comes first.",
    reference: "OpenAPI listChatCompletions",
    breaks: "A history shows its oldest page where the user looks for the latest.",
    async run(context) {
      const { label, ids } = await storeLabelled(context, 2);
      const query = { metadata: { label }, order: "desc" } as const;
      const found = requireSuccess(
        await context.sdk((client) => client.chat.completions.list(query)),
        OWNERS.storedList,
      ).data;
      const actual = found.map(({ id }) => id).join();
      expectThat(actual === ids.toReversed().join(), { observer: "sdk", expected: ids.toReversed().join(), actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.filter",
    operation: "listChatCompletions",
    requirement: "A list for a label holds completions with this label alone.",
    reference: "OpenAPI listChatCompletions.metadata",
    breaks: "Evaluations run over completions that they did not select.",
    async run(context) {
      const { label } = await storeLabelled(context, 1);
      await storeLabelled(context, 1);
      const query = { metadata: { label }, limit: 20 };
      const found = requireSuccess(
        await context.sdk((client) => client.chat.completions.list(query)),
        OWNERS.storedList,
      ).data;
      const others = found.filter(({ metadata }) => metadata?.["label"] !== label);
      const actual = JSON.stringify(others.map(({ metadata }) => metadata));
      expectThat(others.length === 0, { observer: "sdk", expected: `label ${label} alone`, actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.shape",
    operation: "listChatCompletions",
    requirement: "A page says what it is: `object`, `data`, `has_more`, and the ids of its first and last element.",
    reference: "OpenAPI ChatCompletionList",
    breaks: "Clients that page by `last_id` or `has_more` stop after the first page.",
    async run(context) {
      const { label, ids } = await storeLabelled(context, 2);
      const { exchange } = await context.sdk((client) =>
        client.chat.completions.list({ metadata: { label }, limit: 1, order: "asc" }),
      );
      expectStatus(exchange, 200);
      const { first_id: first, last_id: last, has_more: more } = expectShape(exchange, chatCompletionListSchema);
      const actual = JSON.stringify([first, last, more]);
      const expected = JSON.stringify([ids[0], ids[0], true]);
      expectThat(actual === expected, { observer: "schema", expected, actual });
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.list.limit-refused",
    level: "should",
    operation: "listChatCompletions",
    requirement: "A `limit` below 1 is refused.",
    reference: "OpenAPI listChatCompletions.limit",
    breaks: "A program whose limit is miscalculated waits for a page that never fills, or gets everything at once.",
    async run(context) {
      await storeChat(context);
      expectRefused(await context.wire({ method: "GET", path: "/chat/completions?limit=0" }));
    },
  }),
  defineCheck({
    ...STORED,
    id: "responses.stored-chats.messages.same",
    operation: "getChatCompletionMessages",
    requirement: "The messages of a stored completion are those that were sent, in their order, each with an id.",
    reference: "OpenAPI getChatCompletionMessages, ChatCompletionMessageList",
    breaks: "What a user asked can't be shown beside the answer, or in the wrong order.",
    async run(context) {
      const sent = [userMessage("Say hello."), { role: "assistant", content: "Hello." }, userMessage("Say it again.")];
      const request = { messages: sent } as unknown as { messages: [] };
      const { id } = await storeChat(context, request);
      const { exchange } = await context.sdk((client) => client.chat.completions.messages.list(id));
      expectStatus(exchange, 200);
      const { data } = expectShape(exchange, chatCompletionMessageListSchema);
      const found = (Array.isArray(data) ? data : []).filter(isJsonObject);
      const actual = JSON.stringify(found.map(({ role, content }) => ({ role, content })));
      expectThat(actual === JSON.stringify(sent), { observer: "wire", expected: JSON.stringify(sent), actual });
    },
  }),
];
