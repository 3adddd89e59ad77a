/** Checks of what a server does when more is asked of it than it can do: many calls at once, and too large a body. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectResponse, expectStatus, expectThat } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { describeExchange } from "../../src/response-body.ts";
import { postTooLarge } from "../support/body-limit.ts";
import { askChat } from "../support/chat-calls.ts";
import {
  BURST_CALLS,
  isBusy,
  overload,
  type Overload,
  requireAloneAnswered,
  requireTurnedAway,
  sendBurst,
} from "../support/burst.ts";
import { expectEnvelope, requireStatus } from "../support/envelope.ts";
import { expectRetryAfter } from "../support/retry-after.ts";

const LIMITS = {
  area: "limits",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const OVERLOAD = { ...LIMITS, needs: ["fixture:overload"] } as const;

/** Longer than a usual call takes three times, for a machine that is busy. */
const SLACK_MS = 2000;

/** Who is turned away knows it by then, and the rest of the server answers by then. */
function limitAtOnce({ usualMs }: Overload): number {
  return Math.round(SLACK_MS + 3 * usualMs);
}

export const limitChecks: readonly Check[] = [
  defineCheck({
    ...LIMITS,
    id: "limits.body.refused",
    needs: ["fixture:body_bytes_max", "model:chat"],
    requirement: "A body above the server's limit is refused with 413.",
    reference: "RFC 9110 section 15.5.14",
    breaks:
      "Clients can't tell a body that is too large from one that is wrong; without a limit one call fills the memory.",
    async run(context) {
      expectStatus(await postTooLarge(context), 413);
    },
  }),
  defineCheck({
    ...LIMITS,
    id: "limits.crowd.answered",
    requirement: `Of ${BURST_CALLS} small chats at once each is answered with 200, or refused with 429 or 503.`,
    reference: "RFC 9110 sections 15.5 and 15.6; RFC 6585 section 4",
    breaks: "A page that sends several requests sees failures that look like defects.",
    async run(context) {
      requireStatus(await askChat(context, { max_tokens: 1 }), 200);
      const wrong = (await sendBurst(context)).find(
        (exchange) => !isBusy(exchange) && exchange.response?.status !== 200,
      );
      if (wrong === undefined) return;
      expectResponse(wrong);
      const actual = describeExchange(wrong);
      throw new Failure({ observer: "wire", expected: "200, 429 or 503", actual, exchange: wrong });
    },
  }),
  defineCheck({
    ...LIMITS,
    id: "limits.crowd.envelope",
    requirement: `A chat that is refused among ${BURST_CALLS} small ones at once gets the official error body.`,
    reference: "OpenAPI ErrorResponse",
    breaks: 'Users read "503 status code (no body)" under load, and nothing that helps.',
    async run(context) {
      for (const exchange of (await sendBurst(context)).filter(isBusy)) expectEnvelope(exchange);
    },
  }),
  defineCheck({
    ...LIMITS,
    id: "limits.crowd.retry-after",
    level: "should",
    requirement: `A chat that is refused among ${BURST_CALLS} small ones at once gets a retry time.`,
    reference: "RFC 9110 section 10.2.3; openai-node client.ts retryRequest",
    breaks: "All come back at once after half a second, and are turned away again.",
    async run(context) {
      for (const exchange of (await sendBurst(context)).filter(isBusy)) expectRetryAfter(exchange);
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.refused",
    requirement: "Calls beyond the slots and the queue of a model are refused with 429 or 503.",
    reference: "RFC 6585 section 4; RFC 9110 section 15.6.4",
    breaks: "The queue grows without bounds: everyone waits until everyone has given up.",
    async run(context) {
      const { calls, refused, metAtOnce } = await overload(context);
      const wrong = calls.find((exchange) => !isBusy(exchange) && exchange.response?.status !== 200);
      if (wrong !== undefined) {
        await requireAloneAnswered(context);
        expectStatus(wrong, [429, 503]);
      }
      if (refused.length > 0) return;
      if (!metAtOnce) throw new Inconclusive("the model answers faster than the calls arrive", "chance");
      const details = { expected: "429 or 503 for some", actual: "an answer to every call" };
      throw new Failure({ observer: "wire", ...details, ...(calls[0] === undefined ? {} : { exchange: calls[0] }) });
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.served",
    requirement: "While some are refused, at least as many calls are answered as a model has slots.",
    reference: "RFC 9110 section 15.6.4 (a server that is overloaded still serves what it can)",
    breaks: "Under load the machine stands idle.",
    async run(context) {
      const { concurrency } = context.fixture("overload");
      const { calls } = await overload(context);
      const answered = calls.filter(({ response }) => response?.status === 200).length;
      if (answered < concurrency) await requireAloneAnswered(context);
      const expected = `at least ${concurrency} answers`;
      const exchange = calls.find(({ response }) => response?.status !== 200);
      const details = { observer: "wire", expected, actual: String(answered) } as const;
      expectThat(answered >= concurrency, exchange === undefined ? details : { ...details, exchange });
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.envelope",
    requirement: "A call that is refused by a model without a free slot gets the official error body.",
    reference: "OpenAPI ErrorResponse",
    breaks: 'Users read "429 status code (no body)", and nothing that helps.',
    async run(context) {
      for (const exchange of await requireTurnedAway(context)) expectEnvelope(exchange);
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.retry-after",
    level: "should",
    requirement: "A call that is refused by a model without a free slot gets a retry time.",
    reference: "RFC 9110 section 10.2.3; openai-node client.ts retryRequest",
    breaks: "All come back at once after half a second, and are turned away again.",
    async run(context) {
      for (const exchange of await requireTurnedAway(context)) expectRetryAfter(exchange);
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.at-once",
    level: "should",
    requirement: "Whoever is turned away hears so about as soon as a list of models comes.",
    reference: "RFC 9110 section 15.6.4; reactive load shedding: a refusal costs no wait",
    breaks: "Clients wait for nothing, and a load balancer sends them elsewhere too late.",
    async run(context) {
      const turnedAway = await requireTurnedAway(context);
      const tookMs = (exchange: Exchange): number => Math.round(exchange.response?.endAtMs ?? 0);
      const exchange = turnedAway.reduce((longest, other) => (tookMs(other) > tookMs(longest) ? other : longest));
      const limitMs = limitAtOnce(await overload(context));
      const details = { expected: `at most ${limitMs} ms`, actual: `${tookMs(exchange)} ms`, exchange };
      expectThat(tookMs(exchange) <= limitMs, { observer: "wire", ...details });
    },
  }),
  defineCheck({
    ...OVERLOAD,
    id: "limits.overload.models-answer",
    level: "should",
    operation: "listModels",
    requirement: "While a model is overloaded, the list of models comes about as soon as before.",
    reference: "Health checks of load balancers and clients read GET /models",
    breaks: "A server that is busy is taken for dead, and restarted.",
    async run(context) {
      const played = await overload(context);
      const { models: exchange, metAtOnce } = played;
      requireStatus(exchange, 200);
      const tookMs = Math.round(exchange.response?.endAtMs ?? 0);
      const limitMs = limitAtOnce(played);
      if (!metAtOnce && tookMs <= limitMs) throw new Inconclusive("the chats were over before", "chance");
      const details = { expected: `at most ${limitMs} ms`, actual: `${tookMs} ms`, exchange };
      expectThat(tookMs <= limitMs, { observer: "wire", ...details });
    },
  }),
];
