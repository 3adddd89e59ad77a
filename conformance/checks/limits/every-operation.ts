/**
 * Checks that rate limits and slots hold on each operation that costs something: one invariant each for all of them.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import { expectStatus, expectThat } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import { askBilled, BILLED_CALLS, type BilledCall, describeCall, requireAnswered } from "../support/billed-calls.ts";
import { isBusy, overloadBy, requireSlowModel } from "../support/burst.ts";
import { exhaustBy } from "../support/rate-limit.ts";

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
  (billed) => [defineRateLimit(billed), defineOverload(billed)],
);
