/**
 * Checks of limits per account: that they hold, what the refusal says, and that the SDK does the right thing with it.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { type Check, defineCheck } from "../../src/check.ts";
import { expectHeader, expectStatus, expectThat } from "../../src/expect.ts";
import { Inconclusive, NotTestable } from "../../src/outcome-signals.ts";
import { askChat } from "../support/chat-calls.ts";
import { requireError, requireStatus } from "../support/envelope.ts";
import {
  callLimited,
  exhaustFreshWindow,
  exhaustRateLimit,
  isDuration,
  readRateLimitHeaders,
  requireRateLimited,
  WAIT_SECONDS_MAX,
} from "../support/rate-limit.ts";
import { expectRetryAfter, requireRetryAfter, RETRY_AFTER_SECONDS_MAX } from "../support/retry-after.ts";
import { OWNERS } from "../support/owners.ts";

const RATE = {
  area: "limits",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["key:rate_limited", "fixture:rate_limited", "model:chat"],
} as const;

/** A wait of this length lets a wait in whole seconds become shorter. */
const COUNT_DOWN_MS = 2100;
/** Clocks and rounding. */
const SLACK_MS = 100;

function isCount(text: string | undefined): boolean {
  return text !== undefined && /^\d+$/.test(text);
}

/** The first one needs a window that no other check has used; the others find the limit reached, and are cheap. */
export const rateLimitChecks: readonly Check[] = [
  defineCheck({
    ...RATE,
    id: "limits.rate.remaining",
    level: "should",
    requirement: "From call to call `x-ratelimit-remaining-requests` falls, and the limit stays the same.",
    reference: "OpenAI rate limits: rate limits in headers",
    breaks: "Clients that pace themselves by the headers run into the limit, or stop for no reason.",
    async run(context) {
      const { answered } = await exhaustFreshWindow(context);
      const [one, two] = answered.map(readRateLimitHeaders);
      if (one?.limit === undefined || two?.limit === undefined)
        throw new Inconclusive("no two answers tell a limit", OWNERS.rateRefused);
      if (Number(two.remaining) > Number(one.remaining))
        throw new Inconclusive("a new window began meanwhile", "chance");
      const holds = Number(two.remaining) < Number(one.remaining) && one.limit === two.limit;
      const actual = JSON.stringify([one, two]);
      expectThat(holds, { observer: "wire", expected: "less remaining of the same limit", actual });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.refused",
    requirement: "An account that sends more requests than it may is refused with 429.",
    reference: "RFC 6585 section 4; OpenAI rate limits",
    breaks: "One account takes the server from all others.",
    async run(context) {
      const { answered, refused } = await exhaustRateLimit(context);
      const actual = `${answered.length} answered calls`;
      expectThat(refused !== null, { observer: "wire", expected: "a 429", actual });
      // Any other refusal may have another reason, unless an account without the limit is served.
      if (refused.exchange.response?.status !== 429) requireStatus(await askChat(context, { max_tokens: 1 }), 200);
      expectStatus(refused.exchange, 429);
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.code",
    level: "should",
    requirement: "The refusal by the rate limit has the code `rate_limit_exceeded`.",
    reference: "OpenAI error codes: 429, rate limit reached for requests",
    breaks: "Clients can't tell a limit that passes from credit that is used up.",
    async run(context) {
      const { code } = requireError(await requireRateLimited(context), 429);
      const holds = code === "rate_limit_exceeded";
      expectThat(holds, { observer: "schema", expected: "rate_limit_exceeded", actual: String(code) });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.retry-after",
    requirement: "The refusal by the rate limit says in `retry-after` in how many seconds to come back.",
    reference: "RFC 9110 section 10.2.3; openai-node client.ts retryRequest; openai/openai-node#1108",
    breaks: "The SDK comes back after half a second, in vain, and gives up.",
    async run(context) {
      expectRetryAfter(await requireRateLimited(context));
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.retry-after-range",
    level: "should",
    requirement: `The wait in \`retry-after\` is above 0 and at most ${RETRY_AFTER_SECONDS_MAX} seconds.`,
    reference: "openai-node client.ts retryRequest; openai-python _should_retry; earendil-works/pi#4991",
    breaks: "The SDKs ignore a longer wait: openai-node comes back at once, openai-python gives up.",
    async run(context) {
      const seconds = requireRetryAfter(await requireRateLimited(context));
      const holds = seconds > 0 && seconds <= RETRY_AFTER_SECONDS_MAX;
      expectThat(holds, { observer: "wire", expected: "a wait the SDKs accept", actual: `${seconds} s` });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.retry-after-honest",
    level: "should",
    requirement: "Who waits as long as `retry-after` says is let in; a long wait becomes shorter as time goes by.",
    reference: "RFC 9110 section 10.2.3",
    breaks: "Clients that do as they are told are refused again, and give up.",
    async run(context) {
      const seconds = requireRetryAfter(await requireRateLimited(context));
      const isShort = seconds <= WAIT_SECONDS_MAX;
      await sleep(isShort ? seconds * 1000 + SLACK_MS : COUNT_DOWN_MS, undefined, { signal: context.signal });
      const { exchange } = await callLimited(context);
      if (exchange.response?.status !== 429) return requireStatus(exchange, 200);
      const later = requireRetryAfter(exchange);
      const expected = isShort ? `an answer after ${seconds} s` : `less than ${seconds} s`;
      const actual = `another refusal for ${later} s`;
      expectThat(!isShort && later < seconds, { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.sdk-retries",
    level: "should",
    requirement: "The SDK comes back after a refusal by the rate limit: nothing tells it not to.",
    reference: "openai-node client.ts shouldRetry",
    breaks: "Every short burst becomes an error, though waiting would have been enough.",
    async run(context) {
      const refusal = await requireRateLimited(context);
      const isShort = requireRetryAfter(refusal) <= WAIT_SECONDS_MAX;
      // For a long wait the SDK's retry would outlast the check; then the header that forbids it decides.
      if (!isShort) return void expectHeader(refusal, "x-should-retry", null);
      const { refused } = await exhaustRateLimit(context, 1);
      if (refused === null) throw new Inconclusive("no call was refused the second time", OWNERS.rateRefused);
      const actual = `${refused.exchanges.length} requests`;
      expectThat(refused.exchanges.length === 2, { observer: "sdk", expected: "2 requests", actual });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.headers",
    level: "should",
    requirement: "The refusal names limit, remaining and reset in the three `x-ratelimit-*-requests` headers.",
    reference: "OpenAI rate limits: rate limits in headers; openai-python issue 1102",
    breaks: "Throttlers such as LiteLLM's can't learn the limit.",
    async run(context) {
      const headers = readRateLimitHeaders(await requireRateLimited(context));
      const holds = isCount(headers.limit) && isCount(headers.remaining) && headers.reset !== undefined;
      expectThat(holds, { observer: "wire", expected: "three headers", actual: JSON.stringify(headers) });
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.others-unaffected",
    requirement: "While one account is refused, another one is served.",
    reference:
      "RFC 6585 section 4 (how requests are counted is the server's choice; an account is what this one declared)",
    breaks: "One busy account locks out everyone.",
    async run(context) {
      await requireRateLimited(context);
      const exchange = await askChat(context, { max_tokens: 1 });
      const { status } = exchange.response ?? {};
      expectThat(status !== 429, { observer: "wire", expected: "an answer", actual: `status ${status}` });
      requireStatus(exchange, 200);
    },
  }),
  defineCheck({
    ...RATE,
    id: "limits.rate.coherent",
    level: "should",
    needs: ["model:chat"],
    requirement:
      "Where answers have `x-ratelimit-*-requests`, remaining is between 0 and the limit and reset is a duration.",
    reference: "OpenAI rate limits: rate limits in headers, such as `1s` and `6m0s`",
    breaks: "Throttlers wait for ever, or not at all.",
    async run(context) {
      const exchange = await askChat(context, { max_tokens: 1 });
      requireStatus(exchange, 200);
      const { limit, remaining, reset } = readRateLimitHeaders(exchange);
      if (limit === undefined && remaining === undefined) throw new NotTestable("answers tell no rate limit");
      const holds =
        isCount(limit) && isCount(remaining) && Number(remaining) <= Number(limit) && isDuration(reset ?? "0s");
      const actual = JSON.stringify({ limit, remaining, reset });
      expectThat(holds, { observer: "wire", expected: "coherent headers", actual });
    },
  }),
];
