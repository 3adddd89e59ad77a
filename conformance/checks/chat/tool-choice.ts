/**
 * Checks of whether, and which, tools are called: `tool_choice` and `parallel_tool_calls`. No prompt but one invites a
 * call.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { askChat, type ChatFields, expectAccepted, FIRST_TOKEN } from "../support/chat-calls.ts";
import { expectFits, expectJsonText, requireUncut } from "../support/forms.ts";
import {
  BEGGING,
  BOTH,
  countTools,
  forceTool,
  KNOWN_TOOLS,
  listCalls,
  listNames,
  OFFER,
  readCalled,
  requireArguments,
  requireCalling,
  requireToolChoice,
  describeDropped,
  throwIfNoTools,
  TRAY,
} from "../support/tool-calls.ts";

const FORCED = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const REQUIRED: ChatFields = { ...OFFER, tool_choice: "required" };
const NAMES: readonly unknown[] = KNOWN_TOOLS.map(({ name }) => name);

/** The choice of a request that is answered or canonically refused. @throws Failure, Unsupported, Inconclusive */
async function expectChoice(context: CheckContext, fields: ChatFields): Promise<JsonObject> {
  const exchange = await askChat(context, fields);
  throwIfNoTools(exchange);
  await expectAccepted(context, exchange);
  const choice = requireToolChoice(exchange, { mayBeCut: true });
  // A model may call without end: what it called up to the limit shows enough.
  if (listCalls(choice).length === 0) requireUncut(choice);
  return choice;
}

function expectNames(choice: JsonObject, expected: string, holds: (names: readonly unknown[]) => boolean): void {
  const { message, finish_reason: reason } = choice;
  const actual = JSON.stringify({ finish_reason: reason, message });
  expectThat(holds(listNames(choice)), { observer: "wire", expected, actual });
}

/** As above, of a call that was forced: whatever the template shows of the tools, a server can force it. @throws Failure */
async function expectForced(
  context: CheckContext,
  fields: ChatFields,
  rule: { readonly expected: string; readonly holds: (names: readonly unknown[]) => boolean },
): Promise<void> {
  const choice = await expectChoice(context, fields);
  const hint = listCalls(choice).length === 0 ? await describeDropped(context, fields) : "";
  expectNames(choice, rule.expected + (hint === "" ? "" : ` (${hint})`), rule.holds);
}

export const chatToolChoiceChecks: readonly Check[] = [
  defineCheck({
    ...FORCED,
    id: "chat.tools.in-prompt",
    level: "should",
    tier: "protocol",
    requirement:
      "Tools that are offered reach the model, or are refused: a call can be forced, or the prompt has more tokens.",
    reference:
      "OpenAPI CreateChatCompletionRequest.tools, CompletionUsage.prompt_tokens; ggml-org/llama.cpp docs/function-calling.md",
    breaks: "With a model whose chat template has no tools every agent gets a text, and no error says why.",
    async run(context) {
      const tokens = await countTools(context, OFFER);
      if (tokens === null) return;
      const { withTools, without } = tokens;
      // A server may force a call of which the prompt says nothing, and need not count what it is forced by.
      if (withTools === without && listCalls(await expectChoice(context, forceTool(TRAY))).length > 0) return;
      const hint = "the chat template of this model seems to drop them; take a model whose template has tools";
      const actual = `${without} prompt tokens without tools, ${withTools} with them: ${hint}`;
      expectThat(withTools !== without, { observer: "wire", expected: "other prompt_tokens, or a refusal", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.named-is-called",
    requirement: "The tool that `tool_choice` names is called, and no other, whichever of the offered ones it is.",
    reference: "OpenAPI ChatCompletionNamedToolChoice; vllm-project/vllm#49712; ollama/ollama#17921",
    breaks: "Structured extraction and agents with a forced last step: instructor and LangChain find no call.",
    async run(context) {
      // Each in its turn, so that a server which always calls the first one, or the last, is found out.
      for (const tool of KNOWN_TOOLS) {
        const isOnly = (names: readonly unknown[]): boolean =>
          names.length > 0 && names.every((name) => name === tool.name);
        await expectForced(context, forceTool(tool), { expected: `a call of ${tool.name}`, holds: isOnly });
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.named-finish-reason",
    requirement: 'An answer with a call of a named tool ends with finish_reason "stop", as OpenAI\'s, or "tool_calls".',
    reference: "OpenAPI CreateChatCompletionResponse.choices.finish_reason; openvinotoolkit/model_server#3927",
    breaks: "Clients with enums reject anything else, and agents ask the model to go on.",
    async run(context) {
      const { finish_reason: reason } = await requireCalling(context, forceTool(TRAY));
      const actual = JSON.stringify(reason);
      const holds = reason === "stop" || reason === "tool_calls";
      expectThat(holds, { observer: "wire", expected: "stop or tool_calls", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.required-calls",
    requirement: 'With `tool_choice: "required"` at least one tool is called, and only offered ones.',
    reference: "OpenAPI ChatCompletionToolChoiceOption; vllm-project/vllm#49712; ogx-ai/ogx#1059",
    breaks: "Agents that run on calls alone stop at a text.",
    async run(context) {
      const isOffered = (names: readonly unknown[]): boolean =>
        names.length > 0 && names.every((name) => NAMES.includes(name));
      await expectForced(context, REQUIRED, { expected: `calls of ${NAMES.join(" or ")}`, holds: isOffered });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.required-finish-reason",
    requirement: 'An answer that calls because it is required to ends with finish_reason "tool_calls".',
    reference: "OpenAPI CreateChatCompletionResponse.choices.finish_reason; Blaizzy/mlx-vlm#990; BerriAI/litellm#12862",
    breaks: "LangChain, CrewAI, opencode and strands end the loop without running the tools.",
    async run(context) {
      const { finish_reason: reason } = await requireCalling(context, REQUIRED);
      const actual = JSON.stringify(reason);
      expectThat(reason === "tool_calls", { observer: "wire", expected: "tool_calls", actual });
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.none-calls-nothing",
    requirement: 'With `tool_choice: "none"` nothing is called, though the prompt begs for it.',
    reference: "OpenAPI ChatCompletionToolChoiceOption; ollama/ollama#17921",
    breaks: "Clients that want the final answer after their last step run tools for ever.",
    async run(context) {
      const fields = { ...OFFER, messages: [BEGGING], tool_choice: "none" };
      const exchange = await askChat(context, { ...fields, max_tokens: 32 });
      throwIfNoTools(exchange);
      await expectAccepted(context, exchange);
      const choice = requireToolChoice(exchange, { mayBeCut: true });
      expectNames(choice, "no call", (names) => names.length === 0);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.auto-is-answered",
    tier: "protocol",
    requirement: 'Tools are taken without `tool_choice` and with "auto".',
    reference: "OpenAPI ChatCompletionToolChoiceOption; Prism-Shadow/penguin-harness#21",
    breaks: "Every agent: it sends its tools and leaves the choice to the model.",
    async run(context) {
      for (const choice of [undefined, "auto"]) {
        const exchange = await askChat(context, { ...OFFER, ...FIRST_TOKEN, tool_choice: choice });
        throwIfUnsupported(exchange, "tools");
        await expectAccepted(context, exchange);
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.auto-calls-fit",
    requirement: "What a model calls of its own accord is an offered tool, with arguments that fit its strict schema.",
    reference: "OpenAPI FunctionObject.strict; vllm-project/vllm#9426",
    breaks: "Agents run a tool that is not there, or with arguments that it can't take.",
    async run(context) {
      const choice = requireToolChoice(await askChat(context, { ...OFFER, messages: [BEGGING] }));
      if (listCalls(choice).length === 0) throw new Inconclusive("the model called nothing", "model");
      expectNames(choice, "calls of offered tools", (names) => names.every((name) => NAMES.includes(name)));
      for (const call of listCalls(choice)) {
        const tool = KNOWN_TOOLS.find(({ name }) => name === readCalled(call)["name"]);
        if (tool !== undefined) expectFits(expectJsonText(requireArguments(call)), tool.form);
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.auto-finish-reason",
    tier: "protocol",
    requirement: 'Where the model may choose, finish_reason is "tool_calls" if and only if it calls.',
    reference:
      "OpenAPI CreateChatCompletionResponse.choices.finish_reason; mudler/LocalAI#6218; strands-agents/harness-sdk#3206",
    breaks: "Clients wait for calls that never come, or end the loop without running those that came.",
    async run(context) {
      for (const fields of [
        { ...OFFER, max_tokens: 48 },
        { ...OFFER, messages: [BEGGING] },
      ]) {
        const choice = requireToolChoice(await askChat(context, fields), { mayBeCut: true });
        const { finish_reason: reason } = choice;
        const calls = listCalls(choice).length > 0;
        const expected = calls ? "tool_calls" : "another finish_reason than tool_calls";
        const holds = reason === "length" || (reason === "tool_calls") === calls;
        expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(choice) });
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.allowed-tools",
    level: "should",
    requirement: "Of the offered tools only those in `tool_choice.allowed_tools` are called.",
    reference: "OpenAPI ChatCompletionAllowedToolsChoice",
    breaks: "Agents that narrow the tools for a step, and keep the list for the cache, see the others called.",
    async run(context) {
      for (const tool of KNOWN_TOOLS) {
        const allowed = { mode: "required", tools: [{ type: "function", function: { name: tool.name } }] };
        const choice = await expectChoice(context, {
          ...BOTH,
          tool_choice: { type: "allowed_tools", allowed_tools: allowed },
        });
        if (listCalls(choice).length === 0) await describeDropped(context, BOTH);
        const isAllowed = (names: readonly unknown[]): boolean =>
          names.length > 0 && names.every((name) => name === tool.name);
        expectNames(choice, `calls of ${tool.name} alone`, isAllowed);
      }
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.parallel-off",
    level: "should",
    requirement: "With `parallel_tool_calls: false` one tool is called at most, though the prompt asks for two.",
    reference: "OpenAPI ParallelToolCalls; run-llama/llama_index#20831",
    breaks:
      "Tools that build on each other's results run at the same time; strict schemas promise nothing for several.",
    async run(context) {
      const exchange = await askChat(context, { ...BOTH, parallel_tool_calls: false });
      throwIfUnsupported(exchange, "parallel_tool_calls");
      const choice = requireToolChoice(exchange);
      expectNames(choice, "one call", (names) => names.length <= 1);
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.null-is-omitted",
    tier: "protocol",
    requirement: "`tools`, `tool_choice`, `parallel_tool_calls` and `response_format` that are null count as omitted.",
    reference: "OpenAPI CreateChatCompletionRequest (nullable); run-llama/llama_index#20831; ggml-org/llama.cpp#25515",
    breaks: "LlamaIndex, and Java and Pydantic clients that write out nulls.",
    async run(context) {
      const nulls = { tools: null, tool_choice: null, parallel_tool_calls: null, response_format: null };
      await expectAccepted(context, await askChat(context, { ...FIRST_TOKEN, ...nulls }));
    },
  }),
  defineCheck({
    ...FORCED,
    id: "chat.tools.cut-at-limit",
    requirement: 'A call that the token limit cuts ends with finish_reason "length".',
    reference:
      "OpenAPI CreateChatCompletionResponse.choices.finish_reason; openai-node lib/parser.ts LengthFinishReasonError",
    breaks: "Agents run a tool with half of its arguments, or report broken JSON as the model's fault.",
    async run(context) {
      await requireCalling(context, forceTool(TRAY));
      // One token: no tokeniser has the arguments, or the name of the tool, in one.
      const exchange = await askChat(context, forceTool(TRAY, { max_tokens: 1 }));
      await expectAccepted(context, exchange);
      const choice = requireToolChoice(exchange, { mayBeCut: true });
      const { finish_reason: reason } = choice;
      const actual = JSON.stringify({ finish_reason: reason, message: choice["message"] });
      expectThat(reason === "length", { observer: "wire", expected: "finish_reason length", actual });
    },
  }),
];
