/**
 * Checks that each operation which costs something is refused without credits, and paid for: one invariant each for all
 * of them.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectStatus, expectThat } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { bodyText } from "../../src/response-body.ts";
import type { KeyName } from "../../src/target.ts";
import {
  askBilled,
  BILLED_CALLS,
  type BilledCall,
  type BilledSlug,
  describeCall,
  requireAnswered,
} from "../support/billed-calls.ts";
import { requireError, requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";

const BILLING = { area: "billing", level: "must", tier: "protocol" } as const;

/** Chat has checks of its own, which know more of what it costs. */
const CHARGED: Readonly<Partial<Record<BilledSlug, KeyName>>> = {
  completions: "completions_credit",
  "completions-stream": "completions_stream_credit",
  responses: "responses_credit",
  "responses-stream": "responses_stream_credit",
  embeddings: "embeddings_credit",
  transcriptions: "transcriptions_credit",
  "transcriptions-stream": "transcriptions_stream_credit",
  translations: "translations_credit",
  speech: "speech_credit",
  "speech-stream": "speech_stream_credit",
};

/** Tokens of an answer, or words of an input. */
const SIZE = 64;
/** An upstream's input is bounded by its bytes and a thousand tokens: it has to be large to be counted in calls. */
const EMBEDDING_SIZE = 300;
/** No account of the recipe can pay for so many. */
const CALLS_MAX = 8;

function expectOutOfCredit(exchange: Exchange): void {
  expectStatus(exchange, 429);
  const { code } = requireError(exchange, 429);
  const holds = code === "insufficient_quota";
  expectThat(holds, { observer: "schema", expected: "insufficient_quota", actual: String(code) });
}

/** What an answer says that the limit of its tokens has ended. */
const CUT = /"finish_reason": ?"length"|"incomplete_details": ?\{ ?"reason": ?"max_output_tokens"/;

/** @throws Inconclusive where an account could still pay because the model wrote too little */
function requireCut(answered: readonly Exchange[], { role }: BilledCall): void {
  if (role !== "chat" || answered.every((exchange) => CUT.test(bodyText(exchange)))) return;
  throw new Inconclusive("the model ended before `max_tokens`", "model");
}

function defineNoCredit(billed: BilledCall): Check {
  return defineCheck({
    ...BILLING,
    id: `billing.no-credit.${billed.slug}`,
    operation: billed.operation,
    needs: ["key:no_credit", ...billed.needs],
    requirement: `A call of ${billed.operation}${billed.isStreamed ? " that streams" : ""} by an account without credit is refused with 429 and \`insufficient_quota\`.`,
    reference: "OpenAI error codes: 429, you exceeded your current quota",
    breaks: "Whoever has no credit for chat goes on with another endpoint, and work is given away.",
    async run(context) {
      const exchange = await askBilled(context, billed, { credential: "no_credit" });
      if (exchange.response?.status !== 429) await requireAnswered(context, billed);
      expectOutOfCredit(exchange);
    },
  });
}

function defineCharged(billed: BilledCall, key: KeyName): Check {
  return defineCheck({
    ...BILLING,
    id: `billing.charged.${billed.slug}`,
    operation: billed.operation,
    needs: [`key:${key}`, ...billed.needs],
    requirement: `The answer to ${describeCall(billed)} is paid for: an account that can pay for a few is out of credit before the ${CALLS_MAX}th.`,
    reference: "OpenAI error codes: 429, you exceeded your current quota; OpenAI pricing",
    breaks: "An operation that is never charged is served for nothing, as often as anybody likes.",
    async run(context) {
      const size = billed.role === "embedding" ? EMBEDDING_SIZE : SIZE;
      const answered: Exchange[] = [];
      while (answered.length < CALLS_MAX) {
        const exchange = await askBilled(context, billed, { credential: key, size });
        if (exchange.response?.status === 429) {
          requireOutOfCredit(exchange);
          if (answered.length > 0) return;
          throw new Inconclusive(`the account of \`${key}\` is empty: each run needs it anew`, "fixture");
        }
        if (exchange.response?.status !== 200) await requireAnswered(context, billed);
        requireStatus(exchange, 200);
        answered.push(exchange);
      }
      requireCut(answered, billed);
      const expected = "insufficient_quota in the end";
      expectThat(false, { observer: "wire", expected, actual: `${answered.length} answers` });
    },
  });
}

/** Another refusal would spoil the count. @throws Inconclusive */
function requireOutOfCredit(exchange: Exchange): void {
  const { code } = requireError(exchange, 429);
  if (code !== "insufficient_quota")
    throw new Inconclusive(`a call was refused for another reason: ${String(code)}`, OWNERS.quotaCode);
}

export const billedOperationChecks: readonly Check[] = BILLED_CALLS.flatMap((billed) => {
  const { [billed.slug]: key } = CHARGED;
  return key === undefined ? [] : [defineNoCredit(billed), defineCharged(billed, key)];
});
