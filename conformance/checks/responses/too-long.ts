/**
 * Checks of input that is longer than the model reads: refused by status and code, streamed or not, or answered without its
 * oldest part where the request says so.
 */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope, expectJsonObject, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { requireStatus } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";
import {
  askResponse,
  requireInputTokens,
  requireResponse,
  type ResponseFields,
  RESPONSES,
} from "../support/response-calls.ts";

/** More tokens than most models read, and below a mebibyte. */
const LONG_WORDS = 400_000;
const LONG_TEXT = "a ".repeat(LONG_WORDS);

const CONVERSATION = [
  { role: "user", content: LONG_TEXT },
  { role: "assistant", content: "I see." },
  { role: "user", content: "Write one sentence about the sea." },
];

/** Where the model reads as much, or the body is too large before it is a prompt, nothing can be said. @throws Inconclusive */
async function askTooLong(context: CheckContext, fields: ResponseFields): Promise<Exchange> {
  await requireResponse(context);
  const exchange = await askResponse(context, fields);
  const { status } = exchange.response ?? {};
  if (status === 413) throw new Inconclusive("a body of 800 kB is too large before it is a prompt", "model");
  return exchange;
}

const forLevel = { ...RESPONSES, level: "should" } as const;

const refusalChecks = [false, true].map((stream) =>
  defineCheck({
    ...forLevel,
    id: `responses.refusal.too-long${stream ? "-stream" : ""}`,
    requirement:
      `${stream ? "A stream" : "An answer"} of input that is longer than the model reads is refused with 400 and ` +
      "`context_length_exceeded`" +
      (stream ? ", before any event." : "."),
    reference: "OpenAPI CreateResponse.truncation: disabled; OpenAI error codes: 400, maximum context length",
    breaks:
      "Codex and other agents make their history shorter on this code; input cut in silence loses its instructions.",
    async run(context) {
      const exchange = await askTooLong(context, { input: LONG_TEXT, stream });
      if (exchange.response?.status === 200) {
        if (stream) requireStatus(await askTooLong(context, { input: LONG_TEXT }), 400, OWNERS.responseTooLong);
        else if (requireInputTokens(expectJsonObject(exchange)) >= LONG_WORDS) {
          throw new Inconclusive("the model reads as much as that", "model");
        }
      }
      expectErrorEnvelope(exchange, { status: 400, code: "context_length_exceeded" });
    },
  }),
);

export const responseTooLongChecks: readonly Check[] = [
  ...refusalChecks,
  defineCheck({
    ...forLevel,
    id: "responses.truncation.auto",
    requirement:
      "With `truncation` auto, a conversation that is longer than the model reads is answered without its oldest items.",
    reference: "OpenAPI CreateResponse.truncation: auto",
    breaks: "A program that leaves the length of a long conversation to the server can't go on with it.",
    async run(context) {
      // Without it the same is refused, or nothing is said about it here.
      requireStatus(await askTooLong(context, { input: CONVERSATION }), 400, OWNERS.responseTooLong);
      const exchange = await askTooLong(context, { input: CONVERSATION, truncation: "auto" });
      throwIfUnsupported(exchange, "truncation");
      expectThat(exchange.response?.status === 200, {
        observer: "wire",
        expected: "status 200",
        actual: `status ${exchange.response?.status}`,
      });
    },
  }),
];
