/**
 * Checks that all of a request for a response reaches the model and comes back, for answers and for streams: the same
 * demands as on a chat (`conversation.ts`), on items instead of messages.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import type { AnswerMode } from "../support/plain-requests.ts";
import {
  askResponse,
  readItems,
  readOutputText,
  readResponse,
  readResponseEvents,
  requireEnd,
  requireInputTokens,
  requireResponse,
  type ResponseFields,
  RESPONSES,
  SENTENCE,
} from "../support/response-calls.ts";
import { listResponseFlaws } from "./response-flaws.ts";
import { listResponseStreamFlaws } from "./response-stream-flaws.ts";
import { ADDED_TOKENS_MIN, NAME, PARTS, PLAIN_NAME } from "./conversation.ts";

const MODES: readonly AnswerMode[] = ["body", "stream"];

function send(context: CheckContext, mode: AnswerMode, fields: ResponseFields): Promise<Exchange> {
  return askResponse(context, { ...fields, ...(mode === "stream" ? { stream: true } : {}) });
}

/** The whole response, of an answer or of the last event of a stream. @throws Inconclusive */
function read(mode: AnswerMode, exchange: Exchange): JsonObject {
  return mode === "body" ? readResponse(exchange) : requireEnd(readResponseEvents(exchange)).response;
}

/** @throws Inconclusive */
async function ask(context: CheckContext, mode: AnswerMode, fields: ResponseFields): Promise<JsonObject> {
  return read(mode, await send(context, mode, fields));
}

/** A message of a chat as items of a response. */
function toItems(message: JsonObject): readonly JsonObject[] {
  const { role, content, tool_calls: calls, tool_call_id: id } = message;
  if (role === "tool") return [{ type: "function_call_output", call_id: id, output: content }];
  const called = (Array.isArray(calls) ? calls.filter(isJsonObject) : []).map(({ id: callId, function: one }) => ({
    type: "function_call",
    call_id: callId,
    ...(isJsonObject(one) ? one : {}),
  }));
  if (typeof content === "string") return [{ role, content }, ...called];
  const parts = Array.isArray(content) ? content.filter(isJsonObject) : [];
  const texts = parts.map(({ text }) => ({ type: "input_text", text }));
  return texts.length === 0 ? called : [{ type: "message", role, content: texts }, ...called];
}

/** Null where the server refuses the order, or an item. */
async function countInput(
  context: CheckContext,
  mode: AnswerMode,
  messages: readonly JsonObject[],
): Promise<number | null> {
  const exchange = await send(context, mode, { input: messages.flatMap(toItems) });
  return exchange.response?.status === 200 ? requireInputTokens(read(mode, exchange)) : null;
}

function defineConversationCheck(mode: AnswerMode): Check {
  return defineCheck({
    ...RESPONSES,
    id: `responses.invariants.conversation-${mode}`,
    requirement: `Every item of the input adds to the input tokens${mode === "stream" ? " of a stream" : ""}.`,
    reference: "OpenAPI CreateResponse.input, ResponseUsage.input_tokens",
    breaks: "The model never hears the system's rules, an earlier turn or a tool's result, and nobody is told.",
    async run(context) {
      for (const [what, [longer, shorter]] of Object.entries(PARTS)) {
        const more = await countInput(context, mode, longer);
        const fewer = more === null ? null : await countInput(context, mode, shorter);
        if (more === null || fewer === null) continue;
        const actual = `${what} makes ${fewer} tokens ${more}`;
        const expected = "more tokens of the input";
        expectThat(more >= fewer + ADDED_TOKENS_MIN, { observer: "wire", expected, actual });
      }
    },
  });
}

const composePlace = (name: string): ResponseFields => ({
  max_output_tokens: 200,
  text: {
    format: {
      type: "json_schema",
      name: "place",
      strict: true,
      schema: {
        type: "object",
        properties: { place: { type: "string", enum: [name] } },
        required: ["place"],
        additionalProperties: false,
      },
    },
  },
});

/** The place that the schema leaves no choice about. @throws Inconclusive where nothing constrains the output */
function readPlace(mode: AnswerMode, exchange: Exchange) {
  const text = readOutputText(read(mode, exchange));
  try {
    const value: unknown = JSON.parse(text);
    return { place: isJsonObject(value) ? value["place"] : undefined, text };
  } catch {
    throw new Inconclusive("the structured output is no JSON: cut, or not constrained", "model");
  }
}

function defineUnicodeCheck(mode: AnswerMode): Check {
  return defineCheck({
    ...RESPONSES,
    id: `responses.invariants.unicode-${mode}`,
    requirement: `Text beyond ASCII in a schema comes back in ${mode === "stream" ? "a stream" : "an answer"} as it was sent.`,
    reference: "RFC 8259 section 8.1; OpenAPI TextResponseFormatJsonSchema",
    breaks: "Names, quotations and all languages but English are mangled.",
    async run(context) {
      const exchange = await send(context, mode, composePlace(NAME));
      throwIfUnsupported(exchange, "text", "text.format", "format", "schema");
      const { place, text } = readPlace(mode, exchange);
      if (place === NAME) return;
      const plain = readPlace(mode, await send(context, mode, composePlace(PLAIN_NAME)));
      if (plain.place !== PLAIN_NAME) throw new Inconclusive("nothing constrains the output", "model");
      expectThat(false, { observer: "wire", expected: NAME, actual: text });
    },
  });
}

const FIXED: ResponseFields = { ...SENTENCE, temperature: 0, max_output_tokens: 20 };
/** Options whose effect a stream has to show as the answer does. */
const OPTIONS: readonly ResponseFields[] = [
  {},
  { max_output_tokens: 16 },
  { instructions: "Be brief." },
  { top_p: 0.5 },
  { input: "Count from 1 to 200, all numbers, separated by blanks." },
];

/** What a client reads out of a response. */
function describe(response: JsonObject): string {
  const { status, incomplete_details: details, usage } = response;
  const { input_tokens: input, output_tokens: output, total_tokens: total } = isJsonObject(usage) ? usage : {};
  const types = readItems(response).map(({ type }) => type);
  return JSON.stringify([readOutputText(response), types, status, details ?? null, input, output, total]);
}

const sameCheck = defineCheck({
  ...RESPONSES,
  id: "responses.invariants.stream-says-the-same",
  requirement: "A stream says and counts what the answer to the same request does, with every option.",
  reference: "OpenAPI createResponse.stream, ResponseCompletedEvent.response",
  breaks: "What works in a test fails in the product, which streams; and a stream is billed otherwise.",
  async run(context) {
    for (const option of OPTIONS) {
      const fields = { ...FIXED, ...option };
      const [expected, again] = [await ask(context, "body", fields), await ask(context, "body", fields)].map(describe);
      if (expected !== again) throw new Inconclusive("the same request gets two answers", "model");
      const actual = describe(await ask(context, "stream", fields));
      // Responses have no seed, so a text may change with what the server has in memory.
      if (actual !== expected && actual !== describe(await ask(context, "stream", fields))) {
        throw new Inconclusive("the same request gets two streams", "model");
      }
      expectThat(actual === expected, { observer: "wire", expected: String(expected), actual });
    }
  },
});

/** Each goes on from the one before it. */
const TURNS = 3;

const turnsCheck = defineCheck({
  ...RESPONSES,
  id: "responses.invariants.turns",
  level: "should",
  requirement: "A response that goes on from another one names it, in an answer and in each event of a stream.",
  reference: "OpenAPI Response.previous_response_id",
  breaks: "Programs that follow a conversation back lose it.",
  async run(context) {
    for (const mode of MODES) {
      let { id } = await requireResponse(context);
      for (let turn = 0; turn < TURNS; turn += 1) {
        const fields = { previous_response_id: id };
        const exchange = await send(context, mode, fields);
        throwIfUnsupported(exchange, "previous_response_id");
        const list = mode === "stream" ? listResponseStreamFlaws : listResponseFlaws;
        const [flaw] = list(exchange, { fields });
        if (flaw !== undefined) throw new Failure({ ...flaw, exchange });
        ({ id } = read(mode, exchange));
      }
    }
  },
});

export const responseConversationChecks: readonly Check[] = [
  ...MODES.flatMap((mode) => [defineConversationCheck(mode), defineUnicodeCheck(mode)]),
  sameCheck,
  turnsCheck,
];
