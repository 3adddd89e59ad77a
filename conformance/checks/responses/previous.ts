/** Checks of what a response goes on from: the one before it, and items that the server keeps. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectJsonObject, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import { expectRefused } from "../support/envelope.ts";
import {
  askResponse,
  readItems,
  requireInputTokens,
  requireResponse,
  type ResponseFields,
  RESPONSES,
} from "../support/response-calls.ts";
import type { JsonObject } from "../../src/json-object.ts";

const WORDS = "Three old boats with red sails wait in the harbour for the tide of the morning. ".repeat(6).trim();
const LEAST_TOKENS = 24;
const STATE = "OpenAPI CreateResponse.previous_response_id";

/** Goes on from another one. @throws Unsupported where the server says that it keeps none */
async function goOn(context: CheckContext, fields: ResponseFields): Promise<JsonObject> {
  const exchange = await askResponse(context, { input: SHORT_PROMPT, ...fields });
  throwIfUnsupported(exchange, "previous_response_id", "item_reference", "input");
  expectStatus(exchange, 200);
  return expectJsonObject(exchange);
}

async function expectMoreTokens(context: CheckContext, fields: ResponseFields): Promise<void> {
  const plain = requireInputTokens(await requireResponse(context, { input: SHORT_PROMPT }));
  const more = requireInputTokens(await goOn(context, fields));
  expectThat(more - plain >= LEAST_TOKENS, {
    observer: "wire",
    expected: `at least ${LEAST_TOKENS} more input tokens than without it`,
    actual: `${plain} and ${more} input tokens`,
  });
}

export const responsePreviousChecks: readonly Check[] = [
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.reaches-the-model",
    requirement: "What was said before `previous_response_id` reaches the model.",
    reference: `${STATE}; ollama/ollama#18419`,
    breaks: "The model has forgotten the conversation, and nothing says so.",
    async run(context) {
      const { id } = await requireResponse(context, { input: WORDS });
      await expectMoreTokens(context, { previous_response_id: id });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.through-two",
    requirement: "A conversation goes back through every `previous_response_id`, not one alone.",
    reference: STATE,
    breaks: "From the third turn on the model has forgotten the first.",
    async run(context) {
      const { id: first } = await requireResponse(context, { input: WORDS });
      const { id: second } = await goOn(context, { previous_response_id: first });
      await expectMoreTokens(context, { previous_response_id: second });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.without-instructions",
    level: "should",
    requirement: "`instructions` hold for their own response, not for those that go on from it.",
    reference: "OpenAPI CreateResponse.instructions",
    breaks: "Programs that change their instructions between turns get the old ones as well.",
    async run(context) {
      const { id } = await requireResponse(context, { input: SHORT_PROMPT, instructions: WORDS });
      const { id: other } = await requireResponse(context, { input: SHORT_PROMPT });
      const [told, plain] = [
        requireInputTokens(await goOn(context, { previous_response_id: id })),
        requireInputTokens(await goOn(context, { previous_response_id: other })),
      ];
      expectThat(told - plain < LEAST_TOKENS, {
        observer: "wire",
        expected: "no more input tokens than without the instructions",
        actual: `${plain} and ${told} input tokens`,
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.not-stored",
    level: "should",
    requirement: "A response with `store: false` can't be gone on from.",
    reference: "OpenAPI CreateResponse.store",
    breaks: "What the caller asked not to be kept is kept.",
    async run(context) {
      const { id } = await requireResponse(context, { input: WORDS, store: false });
      expectRefused(await askResponse(context, { input: SHORT_PROMPT, previous_response_id: id }));
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.item-reference",
    requirement: "An item of an earlier response can be referred to by its id.",
    reference: "OpenAPI ItemReferenceParam",
    breaks: "The Vercel AI SDK refers to every earlier answer so: its second turn is refused.",
    async run(context) {
      const first = await requireResponse(context, { input: "Count from 1 to 30.", max_output_tokens: 64 });
      const { id } = readItems(first).find(({ type }) => type === "message") ?? {};
      await goOn(context, {
        input: [
          { type: "item_reference", id },
          { role: "user", content: SHORT_PROMPT },
        ],
      });
    },
  }),
  defineCheck({
    ...RESPONSES,
    id: "responses.previous.other-account",
    needs: ["model:chat", "key:other_account"],
    requirement: "Nobody goes on from a response of another account.",
    reference: "OWASP API1:2023 (broken object level authorization)",
    breaks: "A stranger reads what another user has said.",
    async run(context) {
      const { id } = await requireResponse(context, { input: WORDS });
      await goOn(context, { previous_response_id: id });
      const body = JSON.stringify({ model: context.models.chat, input: SHORT_PROMPT, previous_response_id: id });
      expectRefused(await context.wire({ method: "POST", path: "/responses", body, credential: "other_account" }));
    },
  }),
];
