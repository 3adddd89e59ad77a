/** Checks of the non-streaming answer to a plain completion: its shape, its counts, and that null is nothing. */

import { createCompletionResponseSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import { expectSdkValue, expectThat } from "../../src/expect.ts";
import { readUsage } from "../support/chat-calls.ts";
import {
  COMPLETIONS,
  COUNTING,
  createText,
  expectTextAccepted,
  OTHER_PROMPT,
  requireTextBody,
  requireTextChoice,
} from "../support/completion-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { isUnixSeconds } from "../support/values.ts";
import { OWNERS } from "../support/owners.ts";

const FINISH_REASONS: readonly unknown[] = ["stop", "length", "content_filter"];
const OWNED_BY_OTHER_CHECKS =
  /^(object|created|usage(\.(prompt|completion|total)_tokens)?|choices\[\d+\]\.(index|logprobs(\..+)?|finish_reason))$/;
const RESPONSE = "OpenAPI CreateCompletionResponse";

export const completionChecks: readonly Check[] = [
  defineCheck({
    ...COMPLETIONS,
    id: "completions.answers",
    requirement: "A plain completion request is answered with a text that the SDK reads.",
    reference: "OpenAPI createCompletion; openai-node resources/completions.ts create",
    breaks: "Code completion in editors, lm-eval, and everything that was written before chat.",
    async run(context) {
      const value = expectSdkValue(await createText(context));
      const [choice] = Array.isArray(value.choices) ? value.choices : [];
      const actual = JSON.stringify(value);
      expectThat(typeof choice?.text === "string", { observer: "sdk", expected: "choices[0].text", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.object",
    requirement: '`object` is "text_completion".',
    reference: `${RESPONSE}.object`,
    breaks: "Proxies and loggers that dispatch on `object`, and clients in Rust and Kotlin.",
    async run(context) {
      const { object } = await requireTextBody(context);
      const actual = JSON.stringify(object);
      expectThat(object === "text_completion", { observer: "schema", expected: "text_completion", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.created-seconds",
    requirement: "`created` is a Unix time in whole seconds.",
    reference: `${RESPONSE}.created`,
    breaks: "Clients in C# throw on milliseconds, those in Rust and Kotlin on fractions.",
    async run(context) {
      const { created } = await requireTextBody(context);
      const holds = typeof created === "number" && isUnixSeconds(created);
      expectThat(holds, { observer: "schema", expected: "Unix seconds", actual: JSON.stringify(created) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.index",
    requirement: "The only choice has the index 0.",
    reference: `${RESPONSE}.choices.index`,
    breaks: "lm-eval sorts by it, and clients with strict types need it.",
    async run(context) {
      const { index } = await requireTextChoice(context);
      expectThat(index === 0, { observer: "schema", expected: "0", actual: JSON.stringify(index) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.finish-reason",
    requirement: "`finish_reason` is one of the documented values.",
    reference: `${RESPONSE}.choices.finish_reason`,
    breaks: "Clients with enums reject `eos_token` and its kind; others take cut text for whole.",
    async run(context) {
      const { finish_reason: reason } = await requireTextChoice(context);
      const actual = JSON.stringify(reason);
      expectThat(FINISH_REASONS.includes(reason), { observer: "schema", expected: FINISH_REASONS.join(" | "), actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs-null",
    level: "should",
    requirement: "`logprobs` of a choice is present and null where it was not asked for.",
    reference: `${RESPONSE}.choices.logprobs (required, nullable); openai-php/client#375`,
    breaks: "openai-php crashes on the missing key.",
    async run(context) {
      const { logprobs } = await requireTextChoice(context);
      expectThat(logprobs === null, { observer: "schema", expected: "null", actual: JSON.stringify(logprobs) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.shape",
    requirement: "Every field of the answer that no other check is about has the documented type.",
    reference: RESPONSE,
    breaks: "Clients with strict types, such as the Rust, Kotlin and .NET ones.",
    async run(context) {
      expectRestOfShape(await requireTextBody(context), createCompletionResponseSchema, OWNED_BY_OTHER_CHECKS);
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.usage",
    requirement: "`usage` holds the tokens of the prompt and of the text, and their sum.",
    reference: "OpenAPI CompletionUsage",
    breaks: "LiteLLM, LangChain and every bill count nothing, or the wrong thing.",
    async run(context) {
      const { usage } = await requireTextBody(context);
      const counts = Object.assign({ prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 }, usage);
      const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: total } = counts;
      const holds = prompt > 0 && completion >= 0 && prompt + completion === total;
      const expected = "prompt_tokens + completion_tokens = total_tokens";
      expectThat(holds, { observer: "schema", expected, actual: JSON.stringify(usage) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.usage-of-all-prompts",
    requirement: "`usage.prompt_tokens` counts every prompt of a list.",
    reference: "OpenAPI CompletionUsage.prompt_tokens",
    breaks: "A batch of a thousand prompts is booked as one.",
    async run(context) {
      const one = readUsage(await requireTextBody(context), OWNERS.textUsage);
      const two = readUsage(await requireTextBody(context, { prompt: [COUNTING, OTHER_PROMPT] }), OWNERS.textUsage);
      const actual = `${one.prompt_tokens} for one, ${two.prompt_tokens} for two`;
      expectThat(two.prompt_tokens > one.prompt_tokens, { observer: "wire", expected: "more tokens", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.null-is-omitted",
    requirement: "An optional parameter that is null counts as omitted.",
    reference: "OpenAPI CreateCompletionRequest (nullable); ggml-org/llama.cpp#25515",
    breaks: "Java and Pydantic clients that write out nulls.",
    async run(context) {
      await expectTextAccepted(context, {
        best_of: null,
        echo: null,
        frequency_penalty: null,
        logit_bias: null,
        logprobs: null,
        n: null,
        presence_penalty: null,
        seed: null,
        stop: null,
        stream: null,
        stream_options: null,
        suffix: null,
        temperature: null,
        top_p: null,
      });
    },
  }),
];
