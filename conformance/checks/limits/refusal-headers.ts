/** Checks that the refusal by the rate limit says on each operation when to come back, and what the limit is. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { type Flaw, should } from "../invariants/flaws.ts";
import { askBilled, BILLED_CALLS, type BilledCall, describeCall } from "../support/billed-calls.ts";
import { exhaustBy, isDuration, readRateLimitHeaders } from "../support/rate-limit.ts";
import { RETRY_AFTER_SECONDS_MAX } from "../support/retry-after.ts";
import { OWNERS } from "../support/owners.ts";
import { defineOwners } from "../../src/owners.ts";

/** `retry-after` has whole seconds, which are rounded up. */
const ROUNDED_SECONDS = 1;

function listRefusalFlaws(exchange: Exchange): readonly Flaw[] {
  const { headers = {} } = exchange.response ?? {};
  const { "retry-after": after, "retry-after-ms": afterMs } = headers;
  const date = (Date.parse(after ?? "") - Date.now()) / 1000;
  const seconds = /^\d+(?:\.\d+)?$/.test(after ?? "") ? Number(after) : date;
  const { limit, remaining, reset } = readRateLimitHeaders(exchange);
  const isWithin = (value: number): boolean => value >= 0 && value <= RETRY_AFTER_SECONDS_MAX;
  return [
    ...should(after !== undefined, "retry-after", after),
    ...should(isWithin(seconds), `retry-after with at most ${RETRY_AFTER_SECONDS_MAX} seconds`, after),
    ...should(
      afterMs === undefined || Math.abs(Number(afterMs) / 1000 - seconds) <= ROUNDED_SECONDS,
      "retry-after-ms of the same wait as retry-after",
      { after, afterMs },
    ),
    ...should(/^\d+$/.test(limit ?? ""), "x-ratelimit-limit-requests", limit),
    ...should(Number(remaining ?? Number.NaN) === 0, "x-ratelimit-remaining-requests: 0", remaining),
    ...should(isDuration(reset ?? ""), "x-ratelimit-reset-requests with a duration", reset),
  ];
}

function defineHeaderCheck(billed: BilledCall): Check {
  const owners = billed.slug === "chat" ? OWNERS.rateRefused : defineOwners(`limits.rate.${billed.slug}`);
  return defineCheck({
    id: `limits.invariants.${billed.slug}-headers`,
    area: "limits",
    level: "should",
    tier: "protocol",
    operation: billed.operation,
    needs: ["key:rate_limited", "fixture:rate_limited", ...billed.needs],
    requirement: `The refusal of ${describeCall(billed)} by the rate limit says when to come back, and what the limit is.`,
    reference: "RFC 9110 section 10.2.3; openai-node client.ts retryRequest; OpenAI rate limits in headers",
    breaks: "Clients that throttle themselves learn nothing: they come back too soon, or give up.",
    async run(context) {
      const { refused } = await exhaustBy(context, () => askBilled(context, billed, { credential: "rate_limited" }));
      if (refused?.response?.status !== 429) {
        throw new Inconclusive("nothing was refused with 429", owners);
      }
      const [flaw] = listRefusalFlaws(refused);
      if (flaw !== undefined) throw new Failure({ ...flaw, exchange: refused });
    },
  });
}

export const refusalHeaderChecks: readonly Check[] = BILLED_CALLS.map(defineHeaderCheck);
