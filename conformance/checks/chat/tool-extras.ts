/** Checks of what an answer with tool calls may also have: log probabilities of an answer that calls. */

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
  throwIfUnsupported,
} from "../../src/expect.ts";
import { describeExchange } from "../../src/response-body.ts";
import { askChat, readChoice, streamChat } from "../support/chat-calls.ts";
import {
  forceTool,
  listCallDeltas,
  listCalls,
  REPORT,
  requireCall,
  requireCallChunks,
  requireForce,
} from "../support/tool-calls.ts";
import { answerOwners, OWNERS } from "../support/owners.ts";

const TOOLS = {
  area: "chat",
  level: "should",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const SCORED = forceTool(REPORT, { logprobs: true, top_logprobs: 2 });

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
      const choice = readChoice(assume("a chat completion", answerOwners(exchange), () => expectJsonObject(exchange)));
      return { calls: listCalls(choice).length, logprobs: [choice["logprobs"]] };
    },
  },
  {
    suffix: "-stream",
    adverb: "A stream",
    ask: async (context: CheckContext): Promise<Exchange> => (await streamChat(context, SCORED)).exchange,
    requirePlain: (context: CheckContext): Promise<unknown> => requireCallChunks(context, forceTool(REPORT)),
    read: (exchange: Exchange): Scored => {
      const chunks = chatChunks(exchange, OWNERS.streamRead);
      const logprobs = chunks.flatMap(({ choices }) => choices.map((choice) => choice["logprobs"]));
      return { calls: listCallDeltas(chunks).length, logprobs };
    },
  },
] as const;

/** Null or an object, whose shape other checks judge where there is a text. */
function isLogprobs(value: unknown): boolean {
  return value === undefined || value === null || isJsonObject(value);
}

export const chatToolExtraChecks: readonly Check[] = MODES.map(({ suffix, adverb, ask, requirePlain, read }) =>
  defineCheck({
    ...TOOLS,
    id: `chat.tools.logprobs${suffix}`,
    requirement: `${adverb} that calls a tool may be asked for with \`logprobs\`: it calls, and they are null or an object.`,
    reference: "OpenAPI CreateChatCompletionRequest.logprobs; ChatCompletionTokenLogprob",
    breaks: "Routers and evaluations that ask for probabilities always: the call is lost, or the request fails.",
    async run(context) {
      await requireForce(context);
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
