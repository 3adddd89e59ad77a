/**
 * Checks that rate limits and slots hold on each operation that costs something: one invariant each for all of them.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectStatus, expectThat } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { askBilled, BILLED_CALLS, type BilledCall, describeCall, requireAnswered } from "../support/billed-calls.ts";
import { isBusy, overloadBy, requireSlowModel } from "../support/burst.ts";
import { exhaustBy, isDuration, readRateLimitHeaders } from "../support/rate-limit.ts";
import { readRetryAfter, RETRY_AFTER_SECONDS_MAX } from "../support/retry-after.ts";
import { requireError, requireStatus } from "../support/envelope.ts";
import { bodyText } from "../../src/response-body.ts";
import type { Exchange } from "../../src/exchange.ts";
import { defineOwners } from "../../src/owners.ts";

const LIMITS = { area: "limits", level: "must", tier: "protocol" } as const;

/** Tokens of an answer that takes its time, or words of an input. */
const SIZE = 16;

function defineRateLimit(billed: BilledCall): Check {
  return defineCheck({
    ...LIMITS,
    id: `limits.rate.${billed.slug}`,
    operation: billed.operation,
    needs: ["key:rate_limited", "fixture:rate_limited", ...billed.needs],
    requirement: `The limit of requests holds for ${describeCall(billed)} too: an account that sends more than it may is refused with 429.`,
    reference: "RFC 6585 section 4; OpenAI rate limits",
    breaks: "One account takes the server from all others by way of the operation that is not limited.",
    async run(context) {
      const { answered, refused } = await exhaustBy(context, () =>
        askBilled(context, billed, { credential: "rate_limited" }),
      );
      const actual = `${answered.length} answered calls`;
      expectThat(refused !== null, { observer: "wire", expected: "a 429", actual });
      if (refused.response?.status !== 429) await requireAnswered(context, billed);
      expectStatus(refused, 429);
    },
  });
}

/** What the refusal of chat tells a client, and every other one has to. */
const TOLD: readonly { readonly expected: string; readonly isTold: (refused: Exchange) => boolean }[] = [
  {
    expected: "the code rate_limit_exceeded",
    isTold: (refused) => requireError(refused, 429).code === "rate_limit_exceeded",
  },
  { expected: "a wait in retry-after that the SDKs accept", isTold: isWaitTold },
  { expected: "no x-should-retry: false", isTold: ({ response }) => response?.headers["x-should-retry"] !== "false" },
  { expected: "x-ratelimit-limit-requests, -remaining-requests and -reset-requests", isTold: areLimitsTold },
];

function isWaitTold(refused: Exchange): boolean {
  const seconds = readRetryAfter(refused) ?? 0;
  return seconds > 0 && seconds <= RETRY_AFTER_SECONDS_MAX;
}

function areLimitsTold(refused: Exchange): boolean {
  const { limit = "", remaining = "", reset = "" } = readRateLimitHeaders(refused);
  const isCounted = /^\d+$/.test(limit) && /^\d+$/.test(remaining) && Number(remaining) <= Number(limit);
  return isCounted && isDuration(reset);
}

function defineRefusalTold(billed: BilledCall): Check {
  const owners = defineOwners(`limits.rate.${billed.slug}`);
  return defineCheck({
    ...LIMITS,
    id: `limits.invariants.rate-refusal-${billed.slug}`,
    level: "should",
    operation: billed.operation,
    needs: ["key:rate_limited", "fixture:rate_limited", ...billed.needs],
    requirement: `The refusal of ${describeCall(billed)} by the rate limit says so by its code, how long to wait, and what the limit is.`,
    reference: "RFC 9110 section 10.2.3; openai-node client.ts shouldRetry, retryRequest; OpenAI rate limits",
    breaks: "Clients of this operation give up, or come back too early, though waiting would have been enough.",
    async run(context) {
      const { refused } = await exhaustBy(context, () => askBilled(context, billed, { credential: "rate_limited" }));
      if (refused === null) throw new Inconclusive("no call was refused", owners);
      if (refused.response?.status !== 429) await requireAnswered(context, billed);
      requireStatus(refused, 429);
      for (const { expected, isTold } of TOLD) {
        const actual = `${JSON.stringify(refused.response?.headers)} ${bodyText(refused)}`;
        expectThat(isTold(refused), { observer: "wire", expected, actual });
      }
    },
  });
}

function defineOverload(billed: BilledCall): Check {
  return defineCheck({
    ...LIMITS,
    id: `limits.overload.${billed.slug}`,
    operation: billed.operation,
    needs: ["fixture:overload"],
    requirement: `Calls of ${billed.operation}${billed.isStreamed ? " that stream" : ""} beyond the slots and the queue of a model are refused with 429 or 503.`,
    reference: "RFC 6585 section 4; RFC 9110 section 15.6.4",
    breaks: "The queue grows without bounds by way of the operation that takes no slot, until everyone has given up.",
    async run(context) {
      const model = requireSlowModel(context, billed.role);
      const ask = () => askBilled(context, billed, { model, size: SIZE });
      const { calls, refused, metAtOnce } = await overloadBy(context, ask);
      const wrong = calls.find((exchange) => !isBusy(exchange) && exchange.response?.status !== 200);
      if (wrong !== undefined) {
        await requireAnswered(context, billed, { model, size: SIZE });
        expectStatus(wrong, [429, 503]);
      }
      if (refused.length > 0) return;
      if (!metAtOnce) throw new Inconclusive("the model answers faster than the calls arrive", "chance");
      throw new Failure({ observer: "wire", expected: "429 or 503 for some", actual: "an answer to every call" });
    },
  });
}

/** Of chat that does not stream other checks know more. */
export const limitedOperationChecks: readonly Check[] = BILLED_CALLS.filter(({ slug }) => slug !== "chat").flatMap(
  (billed) => [defineRateLimit(billed), defineRefusalTold(billed), defineOverload(billed)],
);
