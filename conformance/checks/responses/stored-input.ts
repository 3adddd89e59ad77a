/** Checks of what is kept of a response: its input listed page by page, and all of it deleted. */

import { itemListSchema, responseDeletedSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import {
  expectErrorEnvelope,
  expectJsonObject,
  expectSdkValue,
  expectShape,
  expectStatus,
  expectThat,
} from "../../src/expect.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import {
  readElements,
  requireDeletable,
  requireListed,
  sayAll,
  textOfItem,
  walk,
} from "../support/conversation-calls.ts";
import { expectRefused, requireRefusal, requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";
import { askResponse, readItems, requireResponse, RESPONSES } from "../support/response-calls.ts";
import type { JsonObject } from "../../src/json-object.ts";
import { askAsOther, OTHER_ACCOUNT } from "../support/stored-calls.ts";

const LISTED = {
  ...RESPONSES,
  operation: "listInputItems",
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI listInputItems, ResponseItemList",
} as const;
const DELETED = { ...LISTED, operation: "deleteResponse", reference: "OpenAPI deleteResponse" } as const;
const OTHERS = {
  needs: [...LISTED.needs, `key:${OTHER_ACCOUNT}`],
  reference: "OWASP API1:2023 Broken Object Level Authorization",
} as const;

const TEXTS = ["The first.", "The second.", "The third."];
const UNKNOWN_ID = "resp_conformance_unknown";

export const storedInputChecks: readonly Check[] = [
  defineCheck({
    ...LISTED,
    id: "responses.input-items.pages",
    requirement: "The SDK's pages hold each item of a response's input once, in its order, also two at a time.",
    reference: "OpenAPI listInputItems; openai-node core/pagination.ts CursorPage",
    breaks: "A program that shows what was asked misses turns, sees some twice, or never comes to an end.",
    async run(context) {
      const { id } = await requireListed(context, { input: sayAll(...TEXTS) });
      const walked = await context.sdk((client) =>
        walk(client.responses.inputItems.list(id, { limit: 2, order: "asc" }), {
          read: (item) => textOfItem({ ...item }),
          most: TEXTS.length,
        }),
      );
      const found = expectSdkValue(walked);
      expectThat(found.join() === TEXTS.join(), { observer: "sdk", expected: TEXTS.join(), actual: found.join() });
    },
  }),
  defineCheck({
    ...LISTED,
    id: "responses.input-items.text",
    requirement: "An input that was a text is listed as one message of the user.",
    breaks: "What a user asked can't be shown beside the answer.",
    async run(context) {
      const { id } = await requireListed(context, { input: "The only one." });
      const { exchange } = await context.sdk((client) => client.responses.inputItems.list(id));
      expectStatus(exchange, 200);
      const found = readElements(expectJsonObject(exchange)).map((item) => [
        item["type"],
        item["role"],
        textOfItem(item),
      ]);
      const [expected, actual] = [[["message", "user", "The only one."]], found].map((one) => JSON.stringify(one));
      expectThat(actual === expected, { observer: "wire", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...LISTED,
    id: "responses.input-items.order",
    requirement: "Without an order, and with `order=desc`, the newest item comes first.",
    reference: "OpenAPI listInputItems.order",
    breaks: "The first page of a long input shows its beginning where the latest turn is looked for.",
    async run(context) {
      const { id } = await requireListed(context, { input: sayAll(...TEXTS) });
      const expected = TEXTS.toReversed().join();
      for (const query of [{ order: "desc" as const }, {}]) {
        const { exchange } = await context.sdk((client) => client.responses.inputItems.list(id, query));
        expectStatus(exchange, 200);
        const actual = readElements(expectJsonObject(exchange)).map(textOfItem).join();
        expectThat(actual === expected, { observer: "wire", expected, actual });
      }
    },
  }),
  defineCheck({
    ...LISTED,
    id: "responses.input-items.shape",
    requirement: "A page says what it is, and each of its items has an id.",
    breaks: "Clients that page by `last_id` or `has_more` stop after the first page.",
    async run(context) {
      const { id } = await requireListed(context, { input: sayAll(...TEXTS) });
      const query = { limit: 2, order: "asc" } as const;
      const { exchange } = await context.sdk((client) => client.responses.inputItems.list(id, query));
      expectStatus(exchange, 200);
      const { data, first_id: first, last_id: last, has_more: more } = expectShape(exchange, itemListSchema);
      const ids = readElements({ data }).map((item) => item["id"]);
      const [expected, actual] = [
        [ids[0], ids[1], true],
        [first, last, more],
      ].map((facts) => JSON.stringify(facts));
      expectThat(actual === expected, { observer: "schema", expected: String(expected), actual });
    },
  }),
  defineCheck({
    ...LISTED,
    id: "responses.input-items.unknown-404",
    requirement: "The input of an id that no response has is answered with 404 and the official error body.",
    breaks: "The SDK throws no NotFoundError, so that a program can't tell a deleted response from a broken server.",
    async run(context) {
      await requireListed(context);
      const { exchange } = await context.sdk((client) => client.responses.inputItems.list(UNKNOWN_ID));
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...LISTED,
    ...OTHERS,
    id: "responses.input-items.other-account",
    requirement: "The input of a response is not listed with the credential of another account.",
    breaks: "Everybody who guesses or sees an id reads what other people have asked.",
    async run(context) {
      const { id } = await requireListed(context);
      expectStatus(await askAsOther(context, (client) => client.responses.inputItems.list(id)), 404);
    },
  }),
  defineCheck({
    ...DELETED,
    id: "responses.delete.answer",
    requirement: "The deletion of a response is answered with its id and `deleted: true`.",
    breaks: "Programs that check `deleted` take the deletion for failed.",
    async run(context) {
      const { id } = await requireDeletable(context);
      const { exchange } = await context.sdk((client) => client.responses.delete(id));
      expectStatus(exchange, 200);
      const { id: named, deleted } = expectShape(exchange, responseDeletedSchema);
      const actual = JSON.stringify([named, deleted]);
      expectThat(named === id && deleted === true, { observer: "schema", expected: `${id}, deleted`, actual });
    },
  }),
  defineCheck({
    ...DELETED,
    id: "responses.delete.final",
    requirement: "Nothing goes on from a response that was deleted, and a second deletion finds none.",
    reference: "OpenAPI deleteResponse, CreateResponse.previous_response_id",
    breaks: "Users who delete their data still have it on the server.",
    async run(context) {
      const { id } = await requireDeletable(context);
      await requireResponse(context, { input: SHORT_PROMPT, previous_response_id: id });
      const unknown = await askResponse(context, { input: SHORT_PROMPT, previous_response_id: UNKNOWN_ID });
      requireRefusal(unknown, OWNERS.responsePrevious);
      requireStatus((await context.sdk((client) => client.responses.delete(id))).exchange, 200, OWNERS.responseDeleted);
      expectRefused(await askResponse(context, { input: SHORT_PROMPT, previous_response_id: id }));
      const again = await context.sdk((client) => client.responses.delete(id), { isRefusable: true });
      expectStatus(again.exchange, 404);
    },
  }),
  defineCheck({
    ...DELETED,
    id: "responses.delete.items",
    requirement: "An item of a response that was deleted can't be referred to any more.",
    reference: "OpenAPI deleteResponse, ItemReferenceParam",
    breaks: "What a user has deleted reaches the model again.",
    async run(context) {
      const made = await requireDeletable(context);
      const refer = (response: JsonObject) => {
        const [item] = readItems(response);
        return { input: [{ type: "item_reference", id: item?.["id"] }, ...sayAll(SHORT_PROMPT)] };
      };
      await requireResponse(context, refer(await requireResponse(context)));
      await context.sdk((client) => client.responses.delete(made.id), { isRefusable: true });
      expectRefused(await askResponse(context, refer(made)));
    },
  }),
  defineCheck({
    ...DELETED,
    id: "responses.delete.unknown-404",
    requirement: "The deletion of an id that no response has is answered with 404 and the official error body.",
    breaks: "A program can't tell that there was nothing to delete.",
    async run(context) {
      await requireDeletable(context);
      const { exchange } = await context.sdk((client) => client.responses.delete(UNKNOWN_ID), { isRefusable: true });
      expectStatus(exchange, 404);
      expectErrorEnvelope(exchange);
    },
  }),
  defineCheck({
    ...DELETED,
    ...OTHERS,
    id: "responses.delete.other-account",
    requirement: "A response can't be deleted with the credential of another account.",
    breaks: "Anybody deletes what others have stored.",
    async run(context) {
      const { id } = await requireDeletable(context);
      await askAsOther(context, (client) => client.responses.delete(id));
      const exchange = await askResponse(context, { input: SHORT_PROMPT, previous_response_id: id });
      expectStatus(exchange, 200);
    },
  }),
];
