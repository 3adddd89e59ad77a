/**
 * Checks of what follows a call: its result in the history, whatever way a client writes it down, and the SDK's own
 * loop.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext, SdkOutcome } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { assume, expectSdkValue, expectStatus, expectThat } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  type ChatFields,
  expectAccepted,
  FIRST_TOKEN,
  requireSdkMessage,
  requireUsage,
  userMessage,
} from "../support/chat-calls.ts";
import { requireStatus } from "../support/envelope.ts";
import { expectUpon } from "../support/formed-answers.ts";
import {
  OFFER,
  REPORT,
  requireCall,
  requireFitting,
  requireForce,
  requireToolChoice,
  throwIfNoTools,
} from "../support/tool-calls.ts";
import { OWNERS } from "../support/owners.ts";

const CHAT = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const QUESTION = userMessage("Is the lot sealed?");

function call(id: string): ChatFields {
  return { id, type: "function", function: { name: REPORT.name, arguments: '{"lot":"zq-7301","sealed":true}' } };
}

function result(id: string, content: unknown = "Filed."): ChatFields {
  return { role: "tool", tool_call_id: id, content };
}

/** One step that called once, as most clients replay it. */
const STEP = [QUESTION, { role: "assistant", content: null, tool_calls: [call("call_1")] }];

type Acceptance = Pick<Check, "id" | "requirement" | "reference" | "breaks"> & {
  level?: Check["level"];
  messages: readonly ChatFields[];
};

/** A check that a history with calls is answered with 200. */
function defineHistory({ messages, ...check }: Acceptance): Check {
  return defineCheck({
    ...CHAT,
    ...check,
    async run(context) {
      await expectTaken(context, await askChat(context, { ...OFFER, ...FIRST_TOKEN, messages }));
    },
  });
}

/**
 * Status 200, unless no history with a call is taken, which another check owns.
 *
 * @throws Failure, Unsupported, Inconclusive
 */
async function expectTaken(context: CheckContext, exchange: Exchange): Promise<void> {
  throwIfNoTools(exchange);
  if (exchange.response?.status !== 200) {
    const plain = await askChat(context, { messages: [...STEP, result("call_1")] });
    assume("a call and its result are taken", OWNERS.toolTurn, () => expectStatus(plain, 200));
  }
  await expectAccepted(context, exchange);
}

/** What the SDK's loop did in one step that had to call. */
interface Step {
  readonly received: readonly unknown[];
  /** The history as the loop would send it next. */
  readonly messages: readonly unknown[];
}

/** Runs the SDK's loop for the one step of a forced call. */
function runStep(context: CheckContext): Promise<SdkOutcome<Step>> {
  const received: unknown[] = [];
  const runnable = {
    name: REPORT.name,
    description: "Files the report on a quern.",
    parameters: { ...REPORT.form.schema },
    strict: true,
    parse: (text: string): object => Object(JSON.parse(text)),
    function: (value: object): string => {
      received.push(value);
      return "The report is filed under 4711.";
    },
  };
  return context.sdk(async (client) => {
    const runner = client.chat.completions.runTools({
      model: String(context.models.chat),
      messages: [{ role: "user", content: "Write one sentence about the sea." }],
      max_tokens: 160,
      tools: [{ type: "function", function: runnable }],
      tool_choice: { type: "function", function: { name: REPORT.name } },
    });
    await runner.done();
    return { received, messages: runner.messages };
  });
}

export const chatToolTurnChecks: readonly Check[] = [
  defineCheck({
    ...CHAT,
    id: "chat.tools.run-tools-calls",
    tier: "forced",
    requirement: "The SDK's `runTools` gives the parsed arguments of a forced call to the caller's function, once.",
    reference: "openai-node lib/AbstractChatCompletionRunner.ts",
    breaks: "Every agent that is built on the SDK's loop.",
    async run(context) {
      await requireForce(context);
      await requireFitting(context);
      const outcome = await runStep(context);
      requireToolChoice(outcome.exchange);
      await expectUpon({ owners: OWNERS.chatRole, hold: () => requireSdkMessage(context) }, () => {
        const { received } = expectSdkValue(outcome);
        const expected = "the function to be called once, with arguments that fit";
        const holds = received.length === 1 && REPORT.form.shape.safeParse(received[0]).success;
        expectThat(holds, { observer: "sdk", expected, actual: JSON.stringify(received) });
      });
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.tools.run-tools-answers",
    tier: "forced",
    requirement: "The history that `runTools` makes of a call and its result is taken, and an answer follows.",
    reference: "openai-node lib/AbstractChatCompletionRunner.ts toRequestMessage; openclaw/openclaw#97834",
    breaks: "Every agent stops after its first step.",
    async run(context) {
      await requireCall(context);
      const { value, exchange } = await runStep(context);
      requireStatus(exchange, 200);
      if (value === undefined || value.received.length === 0)
        throw new Inconclusive("the SDK's loop ran no tool", OWNERS.callRun);
      const { messages } = value;
      const next = await askChat(context, { ...OFFER, ...FIRST_TOKEN, messages, tool_choice: "none" });
      await expectTaken(context, next);
    },
  }),
  defineCheck({
    ...CHAT,
    id: "chat.tools.result-is-read",
    requirement: "The result of a tool reaches the model.",
    reference: "OpenAPI ChatCompletionRequestToolMessage.content; CompletionUsage.prompt_tokens",
    breaks: "The model answers as if the tool had never run, or calls it again for ever.",
    async run(context) {
      const long = "The report on the quern was filed in the third drawer of the grey cabinet, beside the older ones.";
      const ask = async (messages: readonly ChatFields[]): Promise<number> =>
        (await requireUsage(context, { ...OFFER, ...FIRST_TOKEN, messages })).prompt_tokens;
      if ((await ask([userMessage(`${long} Sealed?`)])) <= (await ask([userMessage("Sealed?")]))) {
        throw new Inconclusive("usage.prompt_tokens does not count", OWNERS.chatUsageCounts);
      }
      const [without, withResult] = [
        await ask([...STEP, result("call_1")]),
        await ask([...STEP, result("call_1", long)]),
      ];
      const actual = `${without} prompt tokens for one word, ${withResult} for a sentence`;
      expectThat(withResult > without, { observer: "wire", expected: "more tokens for a longer result", actual });
    },
  }),
  defineHistory({
    id: "chat.tools.history-several-steps",
    requirement: "A history of several steps is taken: two calls at once, a call after a result, a text after that.",
    reference: "OpenAPI ChatCompletionRequestAssistantMessage.tool_calls; isair/jarvis#560",
    breaks: "Agents stop at their second step, or at the first that calls two tools.",
    messages: [
      QUESTION,
      { role: "assistant", content: null, tool_calls: [call("call_1"), call("call_2")] },
      result("call_1"),
      result("call_2"),
      { role: "assistant", content: "Once more.", tool_calls: [call("call_3")] },
      result("call_3"),
      { role: "assistant", content: "It is sealed." },
      QUESTION,
    ],
  }),
  defineHistory({
    id: "chat.tools.history-without-content",
    requirement: "An assistant message with calls may have no `content` at all.",
    reference: 'OpenAPI ChatCompletionRequestAssistantMessage.content: "required unless tool_calls … is specified"',
    breaks: "Clients that leave nulls out when they write JSON: Go, Rust, and Pydantic with exclude_none.",
    messages: [QUESTION, { role: "assistant", tool_calls: [call("call_1")] }, result("call_1")],
  }),
  defineHistory({
    id: "chat.tools.history-empty-content",
    requirement: 'An assistant message with calls may have the `content` "".',
    reference: "OpenAPI ChatCompletionRequestAssistantMessage.content",
    breaks: "Clients that join the deltas of a stream start with an empty text: LangChain, LiteLLM, Open WebUI.",
    messages: [QUESTION, { role: "assistant", content: "", tool_calls: [call("call_1")] }, result("call_1")],
  }),
  defineHistory({
    id: "chat.tools.history-reused-ids",
    level: "should",
    requirement: "A later round of calls may use the ids of an earlier one again.",
    reference: "OpenAPI ChatCompletionMessageToolCall.id (no rule that ids differ between answers)",
    breaks: "Histories of models and gateways that count their calls anew in each answer: `call_0`, `call_1`.",
    messages: [
      QUESTION,
      { role: "assistant", content: null, tool_calls: [call("call_0")] },
      result("call_0"),
      { role: "assistant", content: null, tool_calls: [call("call_0")] },
      result("call_0"),
      QUESTION,
    ],
  }),
  defineHistory({
    id: "chat.tools.result-parts",
    requirement: "The result of a tool may be an array of text parts.",
    reference: "OpenAPI ChatCompletionRequestToolMessage.content; lemonade-sdk/lemonade#629",
    breaks: "Cline, Roo and clients of MCP, whose results are parts.",
    messages: [...STEP, result("call_1", [{ type: "text", text: "Filed under 4711." }])],
  }),
];
