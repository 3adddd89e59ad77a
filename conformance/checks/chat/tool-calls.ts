/** Checks of the calls in a non-streaming answer: what each one holds, and what stands beside it. All are forced. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectThat, isJsonObject, type JsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { askChat } from "../support/chat-calls.ts";
import { expectFits, expectJsonText } from "../support/forms.ts";
import {
  BOTH,
  forceTool,
  KNOWN_TOOLS,
  listCalls,
  readCalled,
  REPORT,
  requireArguments,
  requireCall,
  requireCalling,
  requireFitting,
  requireSeveral,
  requireToolChoice,
} from "../support/tool-calls.ts";
import { OWNERS } from "../support/owners.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

/** The message of an answer that calls. @throws Unsupported, Inconclusive */
async function requireCallingMessage(context: CheckContext): Promise<JsonObject> {
  const { message } = await requireCalling(context, forceTool(REPORT));
  if (isJsonObject(message)) return message;
  throw new Inconclusive("the answer has no message", OWNERS.chatMessage);
}

export const chatToolCallChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "chat.tools.id",
    requirement: "Each call has a non-empty `id`, and calls of different answers have different ones.",
    reference: "OpenAPI ChatCompletionMessageToolCall.id; ggml-org/llama.cpp#13800; BerriAI/litellm#37792",
    breaks: "Results are put to the wrong call of the history; the Vercel AI SDK: \"Expected 'id' to be a string\".",
    async run(context) {
      const ids = [(await requireCall(context))["id"], (await requireCall(context))["id"]];
      const holds = ids.every((id) => typeof id === "string" && id !== "") && ids[0] !== ids[1];
      expectThat(holds, { observer: "wire", expected: "two different ids", actual: JSON.stringify(ids) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.parallel-ids",
    requirement: "The calls of one answer have different ids.",
    reference: "OpenAPI ChatCompletionRequestToolMessage.tool_call_id; openai-node lib/AbstractChatCompletionRunner.ts",
    breaks: "The result of one call is given for the other.",
    async run(context) {
      // A model may call without end: the calls up to the limit have ids as well.
      const ask = async (): Promise<readonly JsonObject[]> =>
        listCalls(requireToolChoice(await askChat(context, BOTH), { mayBeCut: true }));
      const ids = (await requireSeveral(ask, (calls) => calls.length)).map(({ id }) => id);
      const actual = JSON.stringify(ids);
      expectThat(new Set(ids).size === ids.length, { observer: "wire", expected: "different ids", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.type",
    requirement: 'The `type` of a call is "function".',
    reference: "OpenAPI ChatCompletionMessageToolCall.type; ggml-org/llama.cpp#13800",
    breaks: "The SDK's runTools skips the call, and parse throws: only `function` tool calls are supported.",
    async run(context) {
      const { type } = await requireCall(context);
      expectThat(type === "function", { observer: "schema", expected: "function", actual: JSON.stringify(type) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.arguments-string",
    requirement: "`function.arguments` is a string.",
    reference: "OpenAPI ChatCompletionMessageToolCall.function.arguments; ggml-org/llama.cpp#20198",
    breaks: "JSON.parse of an object throws in every client; others run the tool with nothing.",
    async run(context) {
      const { arguments: text } = readCalled(await requireCall(context));
      const actual = JSON.stringify(text);
      expectThat(typeof text === "string", { observer: "schema", expected: "a string", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.arguments-json",
    requirement: "The arguments of a finished call are a whole object of JSON.",
    reference: "OpenAPI ChatCompletionMessageToolCall.function.arguments; huggingface/text-generation-inference#2136",
    breaks: "Every client parses them: the call is lost.",
    async run(context) {
      const value = expectJsonText(requireArguments(await requireCall(context)));
      expectThat(isJsonObject(value), { observer: "wire", expected: "an object", actual: JSON.stringify(value) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.arguments-fit",
    requirement: "The arguments of a call to a strict tool fit its `parameters`, whatever these ask for.",
    reference: "OpenAPI FunctionObject.strict; Blaizzy/mlx-vlm#1070",
    breaks: "Typed tools of the SDK, instructor and pydantic-ai throw on arguments that they were promised.",
    async run(context) {
      for (const tool of KNOWN_TOOLS) {
        const text = requireArguments(await requireCall(context, tool));
        const value = assume("arguments that are JSON", OWNERS.callJson, () => expectJsonText(text));
        expectFits(value, tool.form);
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.no-parameters",
    requirement: "The arguments of a tool without `parameters` are an object of JSON too.",
    reference: 'OpenAPI FunctionObject.parameters: "omitting it defines a function with an empty parameter list"',
    breaks: 'JSON.parse("") throws: the simplest tools are the ones that break.',
    async run(context) {
      const bare = { type: "function", function: { name: REPORT.name } };
      await requireFitting(context);
      const value = expectJsonText(requireArguments(await requireCall(context, REPORT, { tools: [bare] })));
      expectThat(isJsonObject(value), { observer: "wire", expected: "an object", actual: JSON.stringify(value) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.content",
    requirement: "The `content` beside a call is null or a string.",
    reference: "OpenAPI ChatCompletionResponseMessage.content (nullable)",
    breaks: "The Vercel AI SDK and pydantic-ai reject the message, and the call with it.",
    async run(context) {
      const { content } = await requireCallingMessage(context);
      const holds = content === null || typeof content === "string";
      expectThat(holds, { observer: "schema", expected: "null or a string", actual: JSON.stringify(content) });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.not-in-content",
    requirement: "A call does not stand in `content` a second time.",
    reference: "OpenAPI ChatCompletionResponseMessage; ollama/ollama#5796; jundot/omlx#3153",
    breaks: "People see raw JSON before each step, and the next turn teaches the model to write it as text.",
    async run(context) {
      const choice = await requireCalling(context, forceTool(REPORT));
      const { content } = isJsonObject(choice["message"]) ? choice["message"] : {};
      const written = listCalls(choice).map(requireArguments);
      const holds = typeof content !== "string" || !written.some((text) => content.includes(text));
      expectThat(holds, { observer: "wire", expected: "no arguments in the text", actual: JSON.stringify(content) });
    },
  }),
];
