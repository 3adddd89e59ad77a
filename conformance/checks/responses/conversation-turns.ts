/** Checks of responses in a conversation: what they go on from, and what they leave there. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { jsonFrames } from "../../src/expect-stream.ts";
import { assume, expectJsonObject, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import { beginConversation, beginWith, listItems, readElements, textOfItem } from "../support/conversation-calls.ts";
import { expectRefused, requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";
import {
  askResponse,
  readOutputText,
  requireEnd,
  requireInputTokens,
  requireResponse,
  requireResponseEvents,
  type ResponseFields,
  RESPONSES,
} from "../support/response-calls.ts";
import { OTHER_ACCOUNT } from "../support/stored-calls.ts";
import { isJsonObject, type JsonObject } from "../../src/json-object.ts";

const TURNS = {
  ...RESPONSES,
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI CreateResponse.conversation",
} as const;
const WORDS = "Three old boats with red sails wait in the harbour for the tide of the morning. ".repeat(6).trim();
const LEAST_TOKENS = 24;

/** @throws Unsupported where the server says that it has none */
async function respondIn(context: CheckContext, fields: ResponseFields): Promise<JsonObject> {
  const exchange = await askResponse(context, { input: SHORT_PROMPT, ...fields });
  throwIfUnsupported(exchange, "conversation");
  expectStatus(exchange, 200);
  return expectJsonObject(exchange);
}

function expectMore(plain: number, more: number): void {
  const actual = `${plain} and ${more} input tokens`;
  const expected = `at least ${LEAST_TOKENS} more input tokens than without it`;
  expectThat(more - plain >= LEAST_TOKENS, { observer: "wire", expected, actual });
}

/** The whole response, from the last event. @throws Unsupported where the server says that it has none */
async function streamIn(context: CheckContext, conversation: string): Promise<JsonObject> {
  const exchange = await askResponse(context, { input: SHORT_PROMPT, conversation, stream: true });
  throwIfUnsupported(exchange, "conversation");
  expectStatus(exchange, 200);
  return requireEnd(assume("a stream of events", OWNERS.responseEvents, () => jsonFrames(exchange))).response;
}

export const conversationTurnChecks: readonly Check[] = [
  defineCheck({
    ...TURNS,
    id: "responses.conversation.reaches-the-model",
    requirement: "The items of a conversation reach the model, whether it is named by a text or by an object.",
    breaks: "The model has forgotten the conversation, and nothing says so.",
    async run(context) {
      const { id } = await beginWith(context, WORDS);
      const plain = requireInputTokens(await requireResponse(context, { input: SHORT_PROMPT }));
      for (const conversation of [id, { id }]) {
        expectMore(plain, requireInputTokens(await respondIn(context, { conversation })));
      }
    },
  }),
  defineCheck({
    ...TURNS,
    id: "responses.conversation.streamed",
    requirement: "The items of a conversation reach the model where the response is streamed, too.",
    breaks: "Programs that stream, as most do, talk to a model that has forgotten the conversation.",
    async run(context) {
      const { id } = await beginWith(context, WORDS);
      const { response } = requireEnd(await requireResponseEvents(context, { input: SHORT_PROMPT }));
      expectMore(requireInputTokens(response), requireInputTokens(await streamIn(context, id)));
    },
  }),
  defineCheck({
    ...TURNS,
    id: "responses.conversation.grows",
    requirement: "The input and the output of a response become items of its conversation, in this order.",
    breaks: "From the second turn on the model has forgotten what was said.",
    async run(context) {
      const { id } = await beginConversation(context);
      const answer = readOutputText(await respondIn(context, { conversation: id }));
      if (answer === "") throw new Inconclusive("a response has no text", OWNERS.responseText);
      const exchange = await listItems(context, id);
      requireStatus(exchange, 200, OWNERS.conversationItemList);
      const actual = JSON.stringify(readElements(expectJsonObject(exchange)).map(textOfItem));
      const expected = JSON.stringify([SHORT_PROMPT, answer]);
      expectThat(actual === expected, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...TURNS,
    id: "responses.conversation.named-in-answer",
    level: "should",
    requirement: "The response says which conversation it belongs to.",
    reference: "OpenAPI Response.conversation",
    breaks: "A program that keeps responses alone can't find their conversation again.",
    async run(context) {
      for (const { id } of [await beginConversation(context), await beginConversation(context)]) {
        const { conversation } = await respondIn(context, { conversation: id });
        const named = isJsonObject(conversation) ? conversation["id"] : undefined;
        const actual = JSON.stringify(conversation);
        expectThat(named === id, { observer: "wire", expected: JSON.stringify({ id }), actual });
      }
    },
  }),
  defineCheck({
    ...TURNS,
    id: "responses.conversation.unknown",
    requirement: "A response in a conversation that is not there is refused.",
    breaks: "A program that has lost its session gets answers without it, and nothing says so.",
    async run(context) {
      const { id } = await beginConversation(context);
      await respondIn(context, { conversation: id });
      expectRefused(await askResponse(context, { input: SHORT_PROMPT, conversation: "conv_conformance_unknown" }));
    },
  }),
  defineCheck({
    ...TURNS,
    id: "responses.conversation.other-account",
    needs: [...TURNS.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "Nobody goes on from a conversation of another account.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "A stranger reads what another user has said.",
    async run(context) {
      const { id } = await beginWith(context, WORDS);
      await respondIn(context, { conversation: id });
      const body = JSON.stringify({ model: context.models.chat, input: SHORT_PROMPT, conversation: id });
      expectRefused(await context.wire({ method: "POST", path: "/responses", body, credential: OTHER_ACCOUNT }));
    },
  }),
];
