/** Checks of what may stand beside function tools: log probabilities of an answer that calls, and tools of the kind `custom`. */

import { type Check, defineCheck } from "../src/check.ts";
import type { CheckContext } from "../src/check-context.ts";
import type { Exchange } from "../src/exchange.ts";
import { chatChunks } from "../src/expect-stream.ts";
import {
  assume,
  expectErrorEnvelope,
  expectJsonObject,
  expectResponse,
  expectStatus,
  expectThat,
  isJsonObject,
  throwIfUnsupported,
} from "../src/expect.ts";
import { describeExchange } from "../src/response-body.ts";
import { askChat, readChoice, streamChat } from "./support/chat-calls.ts";
import {
  forceTool,
  listCallDeltas,
  listCalls,
  REPORT,
  requireCall,
  requireCallChunks,
  throwIfNoTools,
} from "./support/tool-calls.ts";

const TOOLS = {
  area: "chat",
  level: "should",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const SCORED = forceTool(REPORT, { logprobs: true, top_logprobs: 2 });

const CUSTOM = "note_of_quern";
const WITH_CUSTOM = {
  tools: [{ type: "custom", custom: { name: CUSTOM, description: "Takes a note on a quern, in any words." } }],
  tool_choice: { type: "custom", custom: { name: CUSTOM } },
  max_tokens: 64,
};

/** What an answer that calls says of its tokens, and how many calls it has. */
interface Scored {
  readonly calls: number;
  readonly logprobs: readonly unknown[];
}

const MODES = [
  {
    suffix: "",
    adverb: "An answer",
    ask: (context: CheckContext): Promise<Exchange> => askChat(context, SCORED),
    requirePlain: (context: CheckContext): Promise<unknown> => requireCall(context),
    read: (exchange: Exchange): Scored => {
      const choice = readChoice(assume("a chat completion", () => expectJsonObject(exchange)));
      return { calls: listCalls(choice).length, logprobs: [choice["logprobs"]] };
    },
  },
  {
    suffix: "-stream",
    adverb: "A stream",
    ask: async (context: CheckContext): Promise<Exchange> => (await streamChat(context, SCORED)).exchange,
    requirePlain: (context: CheckContext): Promise<unknown> => requireCallChunks(context, forceTool(REPORT)),
    read: (exchange: Exchange): Scored => {
      const chunks = chatChunks(exchange);
      const logprobs = chunks.flatMap(({ choices }) => choices.map((choice) => choice["logprobs"]));
      return { calls: listCallDeltas(chunks).length, logprobs };
    },
  },
] as const;

/** Null or an object, whose shape other checks judge where there is a text. */
function isLogprobs(value: unknown): boolean {
  return value === undefined || value === null || isJsonObject(value);
}

const scored = MODES.map(({ suffix, adverb, ask, requirePlain, read }) =>
  defineCheck({
    ...TOOLS,
    id: `chat.tools.logprobs${suffix}`,
    requirement: `${adverb} that calls a tool may be asked for with \`logprobs\`: it calls, and they are null or an object.`,
    reference: "OpenAPI CreateChatCompletionRequest.logprobs; ChatCompletionTokenLogprob",
    breaks: "Routers and evaluations that ask for probabilities always: the call is lost, or the request fails.",
    async run(context) {
      await requirePlain(context);
      const exchange = await ask(context);
      throwIfUnsupported(exchange, "logprobs", "top_logprobs");
      expectStatus(exchange, 200);
      const { calls, logprobs } = read(exchange);
      expectThat(calls > 0, { observer: "wire", expected: "a call of the tool", actual: describeExchange(exchange) });
      const wrong = logprobs.find((value) => !isLogprobs(value));
      expectThat(wrong === undefined, { observer: "schema", expected: "logprobs", actual: JSON.stringify(wrong) });
    },
  }),
);

export const chatToolExtraChecks: readonly Check[] = [
  ...scored,
  defineCheck({
    ...TOOLS,
    id: "chat.tools.custom",
    requirement: "A tool of the type `custom` that has to be called is called, or refused by name with a 4xx.",
    reference: "OpenAPI CustomToolChatCompletions; ChatCompletionMessageCustomToolCall",
    breaks: "Agents whose editing tool is a custom one get a text in its place, or a 500 that the SDK sends again.",
    async run(context) {
      const exchange = await askChat(context, WITH_CUSTOM);
      throwIfNoTools(await askChat(context, forceTool(REPORT)));
      if (expectResponse(exchange).status !== 200) {
        const { param, message } = expectErrorEnvelope(exchange, { status: [400, 404, 422, 501] });
        const names = param?.startsWith("tool") === true || /custom|tool/i.test(message);
        expectThat(names, { observer: "wire", expected: "a refusal of the tool", actual: describeExchange(exchange) });
        return;
      }
      const calls = listCalls(readChoice(assume("a chat completion", () => expectJsonObject(exchange))));
      const isCalled = calls.some(
        ({ type, custom }) => type === "custom" && isJsonObject(custom) && typeof custom["input"] === "string",
      );
      const actual = describeExchange(exchange);
      expectThat(isCalled, { observer: "wire", expected: `a call of the custom tool ${CUSTOM}`, actual });
    },
  }),
];
