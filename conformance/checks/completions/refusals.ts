/** Checks of which plain completion requests are refused, and of what the refusal blames. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import type { Exchange } from "../../src/exchange.ts";
import { expectErrorEnvelope, expectStatus } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { readUsage } from "../support/chat-calls.ts";
import { askText, COMPLETIONS, readTextBody, requireTextBody, type TextFields } from "../support/completion-calls.ts";
import { expectRefused, requireRefusedError } from "../support/envelope.ts";
import { expectRefusedOrNamed } from "../support/unknown-model.ts";
import { OWNERS } from "../support/owners.ts";

/** More tokens than most models read, and below a mebibyte. */
const LONG_WORDS = 400_000;
const UNKNOWN_MODEL = "conformance-no-such-model";
const REQUEST = "OpenAPI CreateCompletionRequest; openai-node client.ts shouldRetry";
const BREAKS_SILENT =
  "A mistake goes unnoticed: the SDK takes the 200 for an answer to what was asked, and retries a 5xx.";

type Refused = Pick<Check, "id" | "requirement" | "breaks"> & { level: Check["level"]; fields: TextFields };

/** A check that a request is refused. */
function defineRefusal({ fields, ...check }: Refused): Check {
  return defineCheck({
    ...COMPLETIONS,
    ...check,
    reference: REQUEST,
    async run(context) {
      expectRefused(await askText(context, fields, { isRefusable: true }));
    },
  });
}

/** A text of a model that is not there, from a server that has the operation. @throws NotTestable, Inconclusive */
async function askUnknown(context: CheckContext): Promise<Exchange> {
  await requireTextBody(context);
  const body = JSON.stringify({ model: UNKNOWN_MODEL, prompt: "The sea is", max_tokens: 1 });
  return context.wire({ method: "POST", path: "/completions", body });
}

export const completionRefusalChecks: readonly Check[] = [
  defineRefusal({
    id: "completions.refusal.prompt-type",
    level: "must",
    requirement: "A `prompt` that is an object is refused with a 4xx.",
    breaks: "The SDK sends it again after a 5xx, and takes a 200 for an answer to the prompt.",
    fields: { prompt: { text: "The sea is" } },
  }),
  defineRefusal({
    id: "completions.refusal.temperature-range",
    level: "should",
    requirement: "A temperature above 2 is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { temperature: 2.5 },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.refusal.temperature-param",
    level: "should",
    requirement: 'The refusal of a temperature above 2 has `param: "temperature"`.',
    reference: "OpenAPI Error.param",
    breaks: "Forms and agents that repair the field named by `param` have nothing to repair.",
    async run(context) {
      const exchange = await askText(context, { temperature: 2.5 });
      requireRefusedError(exchange);
      expectErrorEnvelope(exchange, { param: "temperature" });
    },
  }),
  defineRefusal({
    id: "completions.refusal.logprobs-range",
    level: "may",
    requirement: "More than five `logprobs` are refused with a 4xx.",
    breaks: "A caller who asked for a hundred takes five for all there are.",
    fields: { logprobs: 1_000_000 },
  }),
  defineRefusal({
    id: "completions.refusal.best-of-below-n",
    level: "should",
    requirement: "`best_of` below `n` is refused with a 4xx.",
    breaks: BREAKS_SILENT,
    fields: { best_of: 1, n: 2 },
  }),
  defineRefusal({
    id: "completions.refusal.best-of-stream",
    level: "should",
    requirement: "`best_of` above 1 is refused with a 4xx in a stream, where the best can't be known yet.",
    breaks: "The caller believes that the best of several was streamed.",
    fields: { best_of: 2, stream: true },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.refusal.unknown-model",
    requirement: "An unknown model is refused with a 4xx, or answered under the name of the model that answers.",
    reference: "OpenAPI CreateCompletionResponse.model; ddalcu/mlx-serve#257",
    breaks: "Another model answers, is billed and evaluated under the wrong name.",
    async run(context) {
      expectRefusedOrNamed(await askUnknown(context), UNKNOWN_MODEL);
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.refusal.unknown-model-404",
    level: "should",
    requirement: "An unknown model is refused with 404.",
    reference: "OpenAI error codes: 404, model_not_found; openai-node core/error.ts NotFoundError",
    breaks: "Clients that fall back to another model, or offer the list, test for NotFoundError.",
    async run(context) {
      expectStatus(await askUnknown(context), 404);
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.refusal.too-long",
    level: "should",
    requirement: "A prompt that is longer than the model reads is refused with 400 and `context_length_exceeded`.",
    reference: "OpenAI error codes: 400, maximum context length; openai-python BadRequestError.code",
    breaks: "LangChain and LlamaIndex shorten the prompt on this code; a prompt cut in silence loses its beginning.",
    async run(context) {
      await requireTextBody(context);
      const exchange = await askText(context, { prompt: "a ".repeat(LONG_WORDS) });
      const isRead =
        exchange.response?.status === 200 &&
        readUsage(readTextBody(exchange), OWNERS.textUsage).prompt_tokens >= LONG_WORDS;
      if (isRead) throw new Inconclusive("the model reads as much as that", "model");
      expectErrorEnvelope(exchange, { status: 400, code: "context_length_exceeded" });
    },
  }),
];
