/**
 * Checks of tools of the type `custom`, which take a text in place of arguments. A target that refuses such tools by
 * name supports none of this; one that takes them and does not call them is worse than that.
 */

import { answerOwners, OWNERS } from "../support/owners.ts";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { chatChunks } from "../../src/expect-stream.ts";
import {
  assume,
  expectJsonObject,
  expectStatus,
  expectThat,
  isJsonObject,
  type JsonObject,
  requireSuccess,
  throwIfUnsupported,
} from "../../src/expect.ts";
import { bodyText, describeExchange } from "../../src/response-body.ts";
import {
  askChat,
  type ChatFields,
  expectAccepted,
  FIRST_TOKEN,
  readChoice,
  streamChat,
  userMessage,
} from "../support/chat-calls.ts";
import { requireUncut } from "../support/forms.ts";
import { listCallDeltas, listCalls, OFFER, requireToolsInPrompt, requireUncutStream } from "../support/tool-calls.ts";

const CUSTOM = {
  area: "chat",
  level: "should",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

function offer(name: string, format: object): ChatFields {
  const custom = { name, description: "Takes a note on a quern.", format };
  return { tools: [{ type: "custom", custom }], tool_choice: { type: "custom", custom: { name } }, max_tokens: 64 };
}

const NOTE = "note_of_quern";
const FREE = offer(NOTE, { type: "text" });

const MARK = "mark_of_quern";
const FORMED = offer(MARK, { type: "grammar", grammar: { syntax: "regex", definition: "[kx]{2}-[0-9]{3}" } });
const FORM = /^[kx]{2}-[0-9]{3}$/;

/** The `custom` of the first call. @throws Unsupported, Inconclusive where the answer was cut at its limit */
function readCustom(exchange: Exchange): JsonObject | null {
  throwIfNoCustom(exchange);
  expectStatus(exchange, 200);
  const choice = readChoice(assume("a chat completion", answerOwners(exchange), () => expectJsonObject(exchange)));
  requireUncut(choice);
  const [call] = listCalls(choice);
  return call?.["type"] === "custom" && isJsonObject(call["custom"]) ? call["custom"] : null;
}

function throwIfNoCustom(exchange: Exchange): void {
  throwIfUnsupported(exchange, "tools", "tool_choice", "custom", "max_tokens");
}

/** That custom tools are called at all, which a check of its own owns. @throws Unsupported, Inconclusive */
async function requireCustom(context: CheckContext): Promise<void> {
  const exchange = await askChat(context, FREE);
  throwIfNoCustom(exchange);
  assume("a custom tool is called", OWNERS.customCall, () => expectCalled(exchange, NOTE));
}

/** That an input conforms to its regular expression, as above. @throws Unsupported, Inconclusive */
async function requireFormed(context: CheckContext): Promise<void> {
  const exchange = await askChat(context, FORMED);
  throwIfNoCustom(exchange);
  assume("an input of a regular expression", OWNERS.customForm, () => expectFormed(expectCalled(exchange, MARK)));
}

function expectFormed(input: string): void {
  const expected = `an input that matches ${FORM.source}`;
  expectThat(FORM.test(input), { observer: "wire", expected, actual: JSON.stringify(input) });
}

function expectCalled(exchange: Exchange, name: string): string {
  const custom = readCustom(exchange);
  const input = custom?.["name"] === name ? custom["input"] : undefined;
  const expected = `a call of the type "custom" with the name ${name} and an input`;
  expectThat(typeof input === "string", { observer: "wire", expected, actual: describeExchange(exchange) });
  return input;
}

export const chatToolCustomChecks: readonly Check[] = [
  defineCheck({
    ...CUSTOM,
    id: "chat.tools.custom",
    requirement:
      "A tool of the type `custom` that has to be called is called, by its name, with a text as its `input`.",
    reference: "OpenAPI CustomToolChatCompletions; ChatCompletionMessageCustomToolCall",
    breaks: "Agents whose editing tool is a custom one get a text in its place, or a 500 that the SDK sends again.",
    async run(context) {
      const exchange = await askChat(context, FREE);
      const isText = exchange.response?.status === 200 && !bodyText(exchange).includes('"tool_calls"');
      if (isText) await requireToolsInPrompt(context, OFFER);
      expectCalled(exchange, NOTE);
    },
  }),
  defineCheck({
    ...CUSTOM,
    id: "chat.tools.custom-stream",
    requirement:
      "The streamed call of a custom tool begins with its id, the type `custom` and its name; pieces of `custom.input` follow.",
    reference: "openai-node ChatCompletionChunk.Choice.Delta.ToolCall; lib/ChatCompletionStream",
    breaks: "openai-node's stream helper throws on the call, or makes a function of it.",
    async run(context) {
      await requireFormed(context);
      const outcome = await streamChat(context, FORMED);
      throwIfNoCustom(outcome.exchange);
      requireSuccess(outcome, answerOwners(outcome.exchange));
      const chunks = chatChunks(outcome.exchange, OWNERS.streamRead);
      requireUncutStream(chunks);
      const deltas = listCallDeltas(chunks);
      const [first] = deltas;
      const customs = deltas.map(({ custom }) => (isJsonObject(custom) ? custom : {}));
      const isNamed = typeof first?.["id"] === "string" && first["type"] === "custom" && customs[0]?.["name"] === MARK;
      const input = customs.map(({ input: piece }) => (typeof piece === "string" ? piece : "")).join("");
      const actual = JSON.stringify(deltas);
      expectThat(isNamed, { observer: "wire", expected: `id, type "custom" and the name ${MARK} first`, actual });
      expectFormed(input);
    },
  }),
  defineCheck({
    ...CUSTOM,
    id: "chat.tools.custom-regex",
    requirement: "The input of a custom tool matches, as a whole, the regular expression of its `format`.",
    reference: "OpenAPI CustomToolChatCompletions.format; OpenAI guide, function calling: context-free grammars",
    breaks: "Tools that hand their input on to a parser, because a grammar promised that it can be read.",
    async run(context) {
      await requireCustom(context);
      expectFormed(expectCalled(await askChat(context, FORMED), MARK));
    },
  }),
  defineCheck({
    ...CUSTOM,
    tier: "protocol",
    id: "chat.tools.custom-turn",
    requirement: "The call of a custom tool is taken back in the history, with its result.",
    reference: "OpenAPI ChatCompletionRequestAssistantMessage.tool_calls; ChatCompletionMessageCustomToolCall",
    breaks: "Agents with custom tools fail in their second step.",
    async run(context) {
      await requireCustom(context);
      const call = { id: "call_1", type: "custom", custom: { name: NOTE, input: 'A "note"\non the quern.' } };
      const messages = [
        userMessage("Take a note."),
        { role: "assistant", content: "I take one.", tool_calls: [call] },
        { role: "tool", tool_call_id: "call_1", content: "Noted." },
      ];
      await expectAccepted(context, await askChat(context, { ...FREE, ...FIRST_TOKEN, tool_choice: "none", messages }));
    },
  }),
];
