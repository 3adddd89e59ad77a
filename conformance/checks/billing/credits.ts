/** Checks of money: what an account without credit hears, and that nobody gets more than the account can pay for. */

import type OpenAI from "openai";
import { type Check, defineCheck } from "../../src/check.ts";
import { expectHeader, expectStatus, expectThat } from "../../src/expect.ts";
import { askChat, composeSdkChat, streamChat } from "../support/chat-calls.ts";
import { requireError, requireStatus } from "../support/envelope.ts";
import { isOutOfCredit, disconnectStreams, spendSmallCredit, streamWhole } from "../support/small-credit.ts";

const BILLING = {
  area: "billing",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["key:no_credit", "model:chat"],
} as const;

export const billingChecks: readonly Check[] = [
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.refused",
    requirement: "A chat of an account without credit is refused with 429.",
    reference: "OpenAI error codes: 429, you exceeded your current quota",
    breaks: "Work is given away; with 402 or 403 the SDK throws no RateLimitError, and clients show a wrong reason.",
    async run(context) {
      expectStatus(await askChat(context, {}, "no_credit"), 429);
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.code",
    requirement: "The refusal of an account without credit has the code `insufficient_quota`.",
    reference: "OpenAI error codes; langchain-ai/langchainjs#1929",
    breaks: "LangChain and others tell by this code alone that waiting does not help, and wait.",
    async run(context) {
      const { code } = requireError(await askChat(context, {}, "no_credit"), 429);
      const holds = code === "insufficient_quota";
      expectThat(holds, { observer: "schema", expected: "insufficient_quota", actual: String(code) });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.sdk-gives-up",
    level: "should",
    requirement: "The SDK sends a call of an account without credit once: `x-should-retry: false` stops its retries.",
    reference: "openai-node client.ts shouldRetry; langchain-ai/langchainjs#1929",
    breaks: "The SDK retries every 429: each refused call is sent three times and fails two seconds later.",
    async run(context) {
      const call = (client: OpenAI): Promise<unknown> => client.chat.completions.create(composeSdkChat(context));
      const { exchanges, exchange } = await context.sdk(call, { credential: "no_credit", maxRetries: 2 });
      requireStatus(exchange, 429);
      const actual = `${exchanges.length} requests`;
      expectThat(exchanges.length === 1, { observer: "sdk", expected: "1 request", actual });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.stream",
    requirement: "A streaming request of an account without credit is refused with 429 and JSON, before any event.",
    reference: "openai-node client.ts makeStatusError; ggml-org/llama.cpp#14566",
    breaks: "The SDK opens a stream for a call that was refused, and work has begun that nobody pays for.",
    async run(context) {
      requireStatus(await askChat(context, {}, "no_credit"), 429);
      const { exchange } = await streamChat(context, {}, "no_credit");
      expectStatus(exchange, 429);
      expectHeader(exchange, "content-type", /^application\/json\b/i);
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.no-credit.models",
    level: "should",
    operation: "listModels",
    requirement: "An account without credit may still list the models.",
    reference: "OpenAI models endpoint: free of charge",
    breaks: "Clients that list the models first report a server that is down in place of an account that is empty.",
    async run(context) {
      const { exchange } = await context.sdk((client) => client.models.list(), { credential: "no_credit" });
      const holds = exchange.response?.status === 200;
      const actual = `status ${exchange.response?.status}`;
      if (!holds) requireStatus((await context.sdk((client) => client.models.list())).exchange, 200);
      expectThat(holds, { observer: "wire", expected: "status 200", actual });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.parallel.exact",
    needs: ["key:small_credit", "fixture:small_credit", "model:chat"],
    requirement:
      "Of parallel calls exactly as many are answered as the account can pay for, and refused ones cost nothing.",
    reference:
      "OpenAI error codes: 429, you exceeded your current quota; TigerBeetle two-phase transfers: reserve before the work, settle after",
    breaks: "Parallel calls overdraw an account; or refused calls eat up credit that was paid for.",
    async run(context) {
      const { affordableCalls } = context.fixture("small_credit");
      const answered = await spendSmallCredit(context);
      const actual = `${answered} answered calls`;
      expectThat(answered === affordableCalls, { observer: "wire", expected: String(affordableCalls), actual });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.stream.charged",
    needs: ["key:stream_credit", "fixture:small_credit", "model:chat"],
    requirement: "A streamed answer is paid for: an account that could pay for one can't pay for a second.",
    reference:
      "OpenAPI ChatCompletionStreamOptions.include_usage: a server knows the usage, whether it is asked for or not",
    breaks: "Whoever sets `stream: true` is served for nothing.",
    async run(context) {
      await streamWhole(context, "stream_credit");
      const holds = await isOutOfCredit(context, "stream_credit");
      const expected = "insufficient_quota for a second answer";
      expectThat(holds, { observer: "wire", expected, actual: "a second answer was paid for" });
    },
  }),
  defineCheck({
    ...BILLING,
    id: "billing.left.charged",
    needs: ["key:left_credit", "fixture:small_credit", "model:chat"],
    requirement: "A stream whose client disconnects is charged as far as it was sent.",
    reference: "openai-node core/streaming.ts: whoever breaks out of the loop aborts the request",
    breaks: "Who hangs up before the last event, and asks again for the rest, is served for nothing.",
    async run(context) {
      const disconnected = await disconnectStreams(context, "left_credit");
      const holds = disconnected.wasRefused;
      const actual = `${disconnected.count} streams left after some text, and the account can still pay for a whole answer`;
      expectThat(holds, { observer: "wire", expected: "insufficient_quota in the end", actual });
    },
  }),
];
