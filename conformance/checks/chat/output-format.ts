/**
 * Checks of `response_format`: that what was asked for comes, streamed or not, and how it ends. All are forced.
 */

import { z } from "zod";
import { type Check, defineCheck } from "../../src/check.ts";
import {
  assume,
  expectJsonObject,
  expectSdkValue,
  expectThat,
  isJsonObject,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  type ChatFields,
  composeSdkChat,
  expectAccepted,
  FIRST_TOKEN,
  readChoice,
  requireSdkMessage,
  userMessage,
} from "../support/chat-calls.ts";
import {
  composeFormat,
  expectFormed,
  lotBasis,
  expectUpon,
  LOT_FORM,
  readText,
  requireFormedChoice,
  requireStreamedText,
} from "../support/formed-answers.ts";
import { closedObject, expectFits, expectJsonText, type Form, LOTS, requireUncut } from "../support/forms.ts";
import { listCalls, OFFER, requireToolChoice } from "../support/tool-calls.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** OpenAI demands the word; a model that follows its prompt writes none. */
const OBJECT: ChatFields = {
  messages: [userMessage("Answer yes or no, without JSON: is the sea blue?")],
  response_format: { type: "json_object" },
  max_tokens: 200,
};

const REPEATABLE: ChatFields = { temperature: 0, seed: 7 };

/** More than any tokeniser puts into a few tokens. */
const LONG_FORM: Form = {
  schema: closedObject(
    Object.fromEntries(["quern", "ossel", "tarn", "vetch"].map((name) => [name, { type: "string", enum: LOTS }])),
  ),
  shape: z.unknown(),
};
const CUT_AT = 4;

const STOP = "kx-19";
const STOPPED_FORM: Form = {
  schema: closedObject({ tray: { type: "string", enum: [`ossel ${STOP} on the shelf`] } }),
  shape: z.unknown(),
};

function expectObjectText(text: string): void {
  const value = expectJsonText(text);
  expectThat(isJsonObject(value), { observer: "wire", expected: "an object", actual: JSON.stringify(value) });
}

export const chatFormatChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "chat.format.json-object",
    requirement: '`response_format: {type: "json_object"}` gives a text that is an object of JSON and nothing else.',
    reference: "OpenAPI ResponseFormatJsonObject; lmstudio-ai/lmstudio-bug-tracker#189; lfnovo/esperanto#46",
    breaks: "khoj, Open Notebook and every client that parses the text: fences and sentences are no JSON.",
    async run(context) {
      expectObjectText(await expectFormed(context, OBJECT));
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.json-object-stream",
    requirement: "The deltas of a streamed json_object, put together, are an object of JSON.",
    reference: "OpenAPI ResponseFormatJsonObject; OpenAPI CreateChatCompletionRequest.stream",
    breaks: "Clients that stream and parse at the end.",
    async run(context) {
      const text = await requireStreamedText(context, OBJECT);
      await expectUpon(
        {
          owners: OWNERS.objectText,
          hold: async () => expectObjectText(await expectFormed(context, OBJECT)),
        },
        () => expectObjectText(text),
      );
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.json-schema",
    requirement: "A strict `json_schema` gives a text that fits the schema, whatever the prompt is about.",
    reference: "OpenAPI ResponseFormatJsonSchema; ggml-org/llama.cpp#11988; ollama/ollama#10001",
    breaks: "Structured outputs of every client: the SDK's parse throws, or hands out what the types forbid.",
    async run(context) {
      await lotBasis(context).hold();
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.json-schema-stream",
    requirement: "The deltas of a streamed answer to a strict `json_schema`, put together, fit the schema.",
    reference: "OpenAPI ResponseFormatJsonSchema; ggml-org/llama.cpp#11847",
    breaks: "Interfaces that show an object while it is written, such as the Vercel AI SDK's streamObject.",
    async run(context) {
      const text = await requireStreamedText(context, composeFormat(LOT_FORM));
      await expectUpon(lotBasis(context), () => expectFits(expectJsonText(text), LOT_FORM));
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.stream-equals-one-shot",
    requirement: "At temperature 0 with a seed the streamed structured output is the non-streaming one.",
    reference: "OpenAPI CreateChatCompletionRequest.stream: the same answer in pieces",
    breaks: "The same question has one result in a test and another in the interface, unseen by every client.",
    async run(context) {
      const fields = composeFormat(LOT_FORM, REPEATABLE);
      const oneShot = await expectFormed(context, fields);
      if (oneShot !== (await expectFormed(context, fields)))
        throw new Inconclusive("non-streaming is not repeatable", "chance");
      const streamed = await requireStreamedText(context, fields);
      if (streamed === oneShot) return;
      for (const [text, owners] of [
        [oneShot, OWNERS.schemaFits],
        [streamed, OWNERS.schemaFitsInStream],
      ] as const) {
        assume("text that fits the schema", owners, () => expectFits(expectJsonText(text), LOT_FORM));
      }
      const isChance = streamed !== (await requireStreamedText(context, fields));
      if (isChance) throw new Inconclusive("the stream is not repeatable", "chance");
      expectThat(false, { observer: "wire", expected: oneShot, actual: streamed });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.parse",
    needs: [...FORCED.needs, "sdk:zod-4"],
    requirement: "The SDK's `parse` with `zodResponseFormat` returns what the zod shape promises.",
    reference: "openai-node lib/parser.ts parseResponseFormatContent; helpers/zod.ts; mozilla-ai/any-llm#1165",
    breaks: '`.parse()`: "invalid structured output JSON", or a ZodError.',
    async run(context) {
      const format = context.officialSdk.zodResponseFormat(z.object({ lot: z.enum(LOTS), sealed: z.boolean() }), "lot");
      const body = { ...composeSdkChat(context, composeFormat(LOT_FORM)), response_format: format };
      const outcome = await context.sdk((client) => client.chat.completions.parse(body));
      throwIfUnsupported(outcome.exchange, "response_format");
      if (outcome.exchange.response?.status === 200) {
        requireUncut(
          readChoice(
            assume("a chat completion", answerOwners(outcome.exchange), () => expectJsonObject(outcome.exchange)),
          ),
        );
      }
      await expectUpon(
        {
          owners: OWNERS.schemaFits.merge(OWNERS.chatRole),
          async hold() {
            await requireSdkMessage(context);
            await lotBasis(context).hold();
          },
        },
        () => expectFits(expectSdkValue(outcome).choices[0]?.message.parsed, LOT_FORM),
      );
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.finish-stop",
    requirement: 'Structured output that is complete has finish_reason "stop".',
    reference: "OpenAPI CreateChatCompletionResponse.choices.finish_reason; openai-node lib/parser.ts",
    breaks: 'The SDK\'s parse throws on "length" and "content_filter", and agents ask the model to go on.',
    async run(context) {
      const choice = await requireFormedChoice(context, composeFormat(LOT_FORM));
      const text = readText(choice);
      assume("text that fits the schema", OWNERS.schemaFits, () => expectFits(expectJsonText(text), LOT_FORM));
      if (/\s$/.test(text)) throw new Inconclusive("the model wrote blanks up to the limit", "model");
      const actual = JSON.stringify(choice["finish_reason"]);
      expectThat(choice["finish_reason"] === "stop", { observer: "wire", expected: "stop", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.cut-at-limit",
    requirement: 'Structured output that the token limit cuts has finish_reason "length".',
    reference:
      "OpenAPI CreateChatCompletionResponse.choices.finish_reason; openai-node lib/parser.ts LengthFinishReasonError",
    breaks: "The SDK's parse reports broken JSON as the model's fault, where it has an error for the limit.",
    async run(context) {
      const text = await expectFormed(context, composeFormat(LONG_FORM));
      assume("text that has the format", OWNERS.schemaFits, () => expectJsonText(text));
      const choice = await requireFormedChoice(context, composeFormat(LONG_FORM, { max_tokens: CUT_AT }));
      const actual = JSON.stringify({ finish_reason: choice["finish_reason"], message: choice["message"] });
      const expected = `finish_reason length after ${CUT_AT} tokens`;
      expectThat(choice["finish_reason"] === "length", { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.stop",
    level: "should",
    requirement: "A `stop` string ends structured output as well.",
    reference: "OpenAPI StopConfiguration: up to 4 sequences where the API will stop generating further tokens",
    breaks: "Clients that cut at a marker of their own read on past it.",
    async run(context) {
      const whole = await expectFormed(context, composeFormat(STOPPED_FORM));
      if (!whole.includes(STOP))
        throw new Inconclusive(
          "the answer does not conform to the schema, which other checks judge",
          OWNERS.schemaFits,
        );
      const text = await expectFormed(context, composeFormat(STOPPED_FORM, { stop: [STOP] }));
      const expected = `the text to end before ${JSON.stringify(STOP)}`;
      expectThat(!text.includes("shelf"), { observer: "wire", expected, actual: JSON.stringify(text) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.with-tools",
    level: "should",
    requirement: "Where tools are offered as well and none is to be called, the answer has the requested format.",
    reference: "OpenAPI CreateChatCompletionRequest.response_format; callstackincubator/fabrice-ai#118",
    breaks: "Agents with a structured final answer get prose at the end.",
    async run(context) {
      const exchange = await askChat(context, { ...OFFER, ...composeFormat(LOT_FORM), tool_choice: "none" });
      throwIfUnsupported(exchange, "response_format", "tools", "tool_choice");
      await expectAccepted(context, exchange);
      const choice = requireToolChoice(exchange);
      if (listCalls(choice).length > 0)
        throw new Inconclusive("a tool was called, which other checks judge", OWNERS.calledNone);
      const text = readText(choice);
      await expectUpon(lotBasis(context), () => expectFits(expectJsonText(text), LOT_FORM));
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.format.not-strict",
    tier: "protocol",
    requirement: "A `json_schema` without `strict`, or with `strict: false`, is taken.",
    reference: "OpenAPI ResponseFormatJsonSchema.json_schema.strict (nullable)",
    breaks: "LangChain, LlamaIndex and the Vercel AI SDK send schemas that are not strict.",
    async run(context) {
      for (const strict of [undefined, null, false]) {
        const format = { type: "json_schema", json_schema: { name: "lot", strict, schema: LOT_FORM.schema } };
        const exchange = await askChat(context, { ...FIRST_TOKEN, response_format: format });
        throwIfUnsupported(exchange, "response_format");
        await expectAccepted(context, exchange);
      }
    },
  }),
];
