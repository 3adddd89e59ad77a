/** Checks of counts of input tokens: they are those that a response with the same fields reads. */

import { inputTokensSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectShape, expectStatus, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { NotTestable } from "../../src/outcome-signals.ts";
import { SHORT_PROMPT } from "../support/chat-calls.ts";
import { beginWith } from "../support/conversation-calls.ts";
import { expectRefused } from "../support/envelope.ts";
import { requireInputTokens, requireResponse, type ResponseFields, RESPONSES } from "../support/response-calls.ts";
import { OTHER_ACCOUNT } from "../support/stored-calls.ts";

const COUNTED = {
  ...RESPONSES,
  operation: "Getinputtokencounts",
  needs: ["key:full", "model:chat"],
  reference: "OpenAPI Getinputtokencounts, TokenCountsResource",
} as const;

const WORDS = "Three old boats with red sails wait in the harbour for the tide of the morning. ".repeat(6).trim();
const LEAST_TOKENS = 24;
const TOOL = { type: "function", name: "look", parameters: { type: "object", properties: {} }, strict: false };

async function ask(
  context: CheckContext,
  fields: ResponseFields,
  credential?: typeof OTHER_ACCOUNT,
): Promise<Exchange> {
  const body = JSON.stringify({ model: context.models.chat, input: SHORT_PROMPT, ...fields });
  const request = { method: "POST", path: "/responses/input_tokens", body } as const;
  return context.wire(credential === undefined ? request : { ...request, credential });
}

/** @throws NotTestable where the target counts none, Unsupported where the model does not */
async function requireCounts(context: CheckContext): Promise<void> {
  const exchange = await ask(context, {});
  const { status } = expectResponse(exchange);
  if ([404, 405, 501].includes(status)) throw new NotTestable(`the target counts no input tokens: status ${status}`);
  throwIfUnsupported(exchange, "model");
}

async function count(context: CheckContext, fields: ResponseFields): Promise<number> {
  const exchange = await ask(context, fields);
  expectStatus(exchange, 200);
  return Number(expectShape(exchange, inputTokensSchema).input_tokens);
}

async function expectSame(context: CheckContext, fields: ResponseFields): Promise<void> {
  await requireCounts(context);
  const expected = requireInputTokens(await requireResponse(context, { input: SHORT_PROMPT, ...fields }));
  const actual = await count(context, fields);
  expectThat(actual === expected, {
    observer: "wire",
    expected: `${expected}`,
    actual: `${actual} for ${Object.keys(fields).join()}`,
  });
}

export const inputTokenChecks: readonly Check[] = [
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.shape",
    needs: [...COUNTED.needs, "sdk:input-tokens"],
    requirement: "A count is answered as `response.input_tokens` with a number, through the SDK too.",
    breaks: "Context meters show nothing.",
    async run(context) {
      await requireCounts(context);
      const request = { model: String(context.models.chat), input: SHORT_PROMPT };
      const { exchange } = await context.sdk((client) => client.responses.inputTokens.count(request));
      expectStatus(exchange, 200);
      expectShape(exchange, inputTokensSchema);
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.same",
    requirement: "A text and its instructions count what `usage.input_tokens` of their response says.",
    breaks: "A program that trims its input to the count is refused all the same, or trims too much.",
    async run(context) {
      await expectSame(context, { input: WORDS });
      await expectSame(context, { instructions: WORDS });
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.tools",
    requirement: "Tools are counted as their response reads them.",
    breaks: "Agents, whose tools are most of their first input, take it for small.",
    async run(context) {
      await expectSame(context, { tools: [TOOL] });
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.previous",
    requirement: "What was said before `previous_response_id` is counted.",
    breaks: "A long conversation looks short until it is refused.",
    async run(context) {
      await requireCounts(context);
      const { id } = await requireResponse(context, { input: WORDS });
      const [plain, more] = [await count(context, {}), await count(context, { previous_response_id: id })];
      const actual = `${plain} without it, ${more} with it`;
      expectThat(more - plain >= LEAST_TOKENS, { observer: "wire", expected: `${LEAST_TOKENS} more with it`, actual });
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.conversation",
    requirement: "The items of a conversation are counted, and the count adds none.",
    breaks: "A long conversation looks short until it is refused.",
    async run(context) {
      await requireCounts(context);
      const { id: conversation } = await beginWith(context, WORDS);
      const first = await count(context, { conversation });
      const [plain, again] = [await count(context, {}), await count(context, { conversation })];
      const actual = `${plain} without it, ${first} and then ${again} with it`;
      expectThat(first > plain && again === first, {
        observer: "wire",
        expected: "more than without it, twice the same",
        actual,
      });
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.other-account",
    needs: [...COUNTED.needs, `key:${OTHER_ACCOUNT}`],
    requirement: "Nobody counts what another account has said.",
    reference: "OWASP API1:2023 Broken Object Level Authorization",
    breaks: "A stranger learns which ids are real, and how long other people's conversations are.",
    async run(context) {
      await requireCounts(context);
      const { id } = await requireResponse(context, { input: WORDS });
      await count(context, { previous_response_id: id });
      expectRefused(await ask(context, { previous_response_id: id }, OTHER_ACCOUNT));
    },
  }),
  defineCheck({
    ...COUNTED,
    id: "responses.input-tokens.refuses-type",
    requirement: "An input that is no text and no list is refused.",
    reference: "OpenAPI TokenCountsBody.input",
    breaks: "A program whose input is damaged is told that it is short.",
    async run(context) {
      await requireCounts(context);
      expectRefused(await ask(context, { input: 5 }));
    },
  }),
];
