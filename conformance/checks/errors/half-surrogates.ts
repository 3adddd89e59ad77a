/**
 * Checks of half a surrogate pair, written as an escape, in the text fields of each operation: what `JSON.stringify`
 * makes of a text that was cut in the middle of an emoji. It is JSON, and no text: a server may take it or refuse it.
 */

import { type HttpOperationId, operations } from "@openai-compat/spec";
import { type Check, defineCheck, type Need } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectResponse, expectStatus, expectThat } from "../../src/expect.ts";
import { describeExchange } from "../../src/response-body.ts";
import { composeChat, userMessage } from "../support/chat-calls.ts";
import { requireOffered } from "../support/operation-probes.ts";

/** The first half of 🚀. */
const HALF = "The sea \uD83D";
const NAME = "file_quern_report";

function offer(definition: object): object {
  return { tools: [{ type: "function", function: { name: NAME, ...definition } }], tool_choice: "required" };
}

/** A history whose call and result have these fields. */
function recall(called: object, result: object): object {
  const calls = [{ id: "call_1", type: "function", function: { name: NAME, arguments: "{}", ...called } }];
  return {
    messages: [
      userMessage("Is it sealed?"),
      { role: "assistant", content: null, tool_calls: calls },
      { role: "tool", tool_call_id: "call_1", content: "Filed.", ...result },
    ],
  };
}

function answerIn(schema: object): object {
  const whole = { type: "object", additionalProperties: false, ...schema };
  return { response_format: { type: "json_schema", json_schema: { name: "lot", strict: true, schema: whole } } };
}

interface Texts {
  readonly slug: string;
  readonly operation: HttpOperationId;
  readonly needs: readonly Need[];
  /** What differs from a plain request, by the field that holds the text. */
  readonly fields: Readonly<Record<string, object>>;
  readonly compose: (context: CheckContext, fields: object) => object;
}

const ROWS: readonly Texts[] = [
  {
    slug: "chat",
    operation: "createChatCompletion",
    needs: ["model:chat"],
    fields: {
      "a user's content": { messages: [userMessage(HALF)] },
      "a text part": { messages: [userMessage([{ type: "text", text: HALF }])] },
      "a system message": { messages: [{ role: "system", content: HALF }, userMessage("Say hello.")] },
      "an assistant's content": { messages: [{ role: "assistant", content: HALF }, userMessage("Say hello.")] },
      "a message's name": { messages: [{ ...userMessage("Say hello."), name: HALF }] },
      "a call's arguments": recall({ arguments: JSON.stringify({ lot: HALF }) }, {}),
      "a tool's result": recall({}, { content: HALF }),
      "a tool's name": offer({ name: HALF }),
      "a tool's description": offer({ description: HALF, parameters: { type: "object", properties: {} } }),
      "a tool's enum": offer({ parameters: { type: "object", properties: { lot: { enum: [HALF] } } } }),
      "a schema's property": answerIn({ properties: { [HALF]: { type: "boolean" } }, required: [HALF] }),
      "a schema's constant": answerIn({ properties: { lot: { const: HALF } }, required: ["lot"] }),
      stop: { stop: [HALF] },
      user: { user: HALF },
      model: { model: HALF },
    },
    compose: (context, fields) => composeChat(context, { max_tokens: 1, ...fields }),
  },
  {
    slug: "completions",
    operation: "createCompletion",
    needs: ["model:chat"],
    fields: {
      prompt: { prompt: HALF },
      "a prompt of a list": { prompt: ["The sea is", HALF] },
      "an echoed prompt": { prompt: HALF, echo: true, logprobs: 1 },
      stop: { stop: HALF },
      suffix: { suffix: HALF },
      user: { user: HALF },
      model: { model: HALF },
    },
    compose: ({ models }, fields) => ({
      model: models.completion ?? models.chat,
      prompt: "The sea is",
      max_tokens: 1,
      ...fields,
    }),
  },
  {
    slug: "embeddings",
    operation: "createEmbedding",
    needs: ["model:embedding"],
    fields: {
      input: { input: HALF },
      "an input of a list": { input: ["The sea is wide.", HALF] },
      user: { user: HALF },
      model: { model: HALF },
    },
    compose: ({ models }, fields) => ({ model: models.embedding, input: "The sea is wide.", ...fields }),
  },
  {
    slug: "speech",
    operation: "createSpeech",
    needs: ["model:speech"],
    fields: { input: { input: HALF }, voice: { voice: HALF }, instructions: { instructions: HALF } },
    compose: ({ models }, fields) => ({ model: models.speech, voice: "alloy", input: "The sea.", ...fields }),
  },
];

export const halfSurrogateChecks: readonly Check[] = ROWS.map(({ slug, operation, needs, fields, compose }) =>
  defineCheck({
    id: `errors.input.half-surrogate-${slug}`,
    area: "errors",
    level: "must",
    tier: "protocol",
    operation,
    needs,
    requirement: `Half a surrogate pair, as an escape in any text of a request to ${operations[operation].path}, gives no 5xx.`,
    reference: "RFC 8259 section 8.2 (unpaired surrogates are JSON); ECMAScript JSON.stringify",
    breaks:
      "A history that was cut in the middle of an emoji: the SDK retries the 500, and every later turn fails as well.",
    async run(context) {
      await requireOffered(context, operation);
      const { method, path } = operations[operation];
      for (const [field, differing] of Object.entries(fields)) {
        const body = JSON.stringify(compose(context, differing));
        const exchange = await context.wire({ method, path, body });
        const { status } = expectResponse(exchange);
        if (status === 429) expectStatus(exchange, 200);
        const actual = `in ${field}: ${describeExchange(exchange)}`;
        expectThat(status < 500, { observer: "wire", expected: "an answer or a refusal with 4xx", actual });
      }
    },
  }),
);
