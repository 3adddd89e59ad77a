/** Checks of what ends a plain completion: its token limit and its stop sequences. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, isJsonObject } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  COMPLETIONS,
  REPEATABLE,
  requireContinuation,
  requireTextBody,
  requireTextChoice,
  type TextChoice,
} from "../support/completion-calls.ts";
import { OWNERS } from "../support/owners.ts";

/** Tokens: fewer than the model goes on with. */
const CUT_AT = 3;

interface StopProbe {
  /** The text before the stop, as written without it. */
  readonly before: string;
  readonly stop: string;
  readonly choice: TextChoice;
}

/**
 * The text is written once, and a piece out of its middle becomes the stop: chance can't cut there.
 *
 * @throws Inconclusive
 */
async function probeStop(context: CheckContext, toParam: (stop: string) => unknown): Promise<StopProbe> {
  const whole = await requireContinuation(context, REPEATABLE);
  if (whole !== (await requireContinuation(context, REPEATABLE)))
    throw new Inconclusive("the text is not repeatable", "chance");
  const stop = whole.slice(Math.floor(whole.length / 2)).match(/\S{2,}/)?.[0];
  if (stop === undefined) throw new Inconclusive("the text is too short to cut", "model");
  const choice = await requireTextChoice(context, { ...REPEATABLE, stop: toParam(stop) });
  const before = whole.slice(0, whole.indexOf(stop));
  const shared = Math.min(before.length, choice.text.length);
  if (choice.text.slice(0, shared) === before.slice(0, shared)) return { before, stop, choice };
  throw new Inconclusive("with `stop` the same request gives another text", "chance");
}

/** A check that the text does not go on after the stop. */
function defineStop(
  check: Pick<Check, "id" | "requirement" | "breaks"> & { toParam: (stop: string) => unknown },
): Check {
  const { toParam, ...rest } = check;
  return defineCheck({
    ...COMPLETIONS,
    ...rest,
    tier: "forced",
    reference: "OpenAPI StopConfiguration; huggingface/text-generation-inference#1724",
    async run(context) {
      const { before, stop, choice } = await probeStop(context, toParam);
      const holds = choice.text.length <= before.length + stop.length;
      const expected = `the text to end before ${JSON.stringify(stop)}`;
      expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(choice.text) });
    },
  });
}

/** A probe whose text really ended at the stop, echoed or not. @throws Inconclusive otherwise */
async function requireStopped(context: CheckContext): Promise<StopProbe> {
  const probe = await probeStop(context, (stop) => stop);
  if (probe.choice.text.length <= probe.before.length + probe.stop.length) return probe;
  throw new Inconclusive("the stop sequence is not honoured", OWNERS.textStop);
}

export const completionLimitChecks: readonly Check[] = [
  defineCheck({
    ...COMPLETIONS,
    id: "completions.limit.max-tokens",
    tier: "forced",
    requirement: 'A text cut by `max_tokens` ends with finish_reason "length" and has no more tokens than that.',
    reference: "OpenAPI CreateCompletionRequest.max_tokens; CreateCompletionResponse.choices.finish_reason",
    breaks: "Editors wait for a runaway text, and take cut text for whole.",
    async run(context) {
      const fields = { max_tokens: CUT_AT };
      const { finish_reason: reason } = await requireTextChoice(context, fields);
      const { usage } = await requireTextBody(context, fields);
      const { completion_tokens: tokens } = isJsonObject(usage) ? usage : {};
      if (reason === "stop" && Number(tokens) < CUT_AT) throw new Inconclusive("the model stopped earlier", "model");
      const holds = reason === "length" && !(Number(tokens) > CUT_AT);
      const actual = JSON.stringify({ finish_reason: reason, completion_tokens: tokens });
      expectThat(holds, { observer: "wire", expected: `length after ${CUT_AT} tokens`, actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.limit.default",
    level: "may",
    tier: "forced",
    requirement: "Without `max_tokens` a text has at most 16 tokens.",
    reference: "OpenAPI CreateCompletionRequest.max_tokens (default 16)",
    breaks: "A program that was written for OpenAI waits for a text as long as the model likes.",
    async run(context) {
      const { usage } = await requireTextBody(context, { max_tokens: undefined });
      const { completion_tokens: tokens } = isJsonObject(usage) ? usage : {};
      const holds = !(Number(tokens) > 16);
      expectThat(holds, { observer: "wire", expected: "at most 16 tokens", actual: String(tokens) });
    },
  }),
  defineStop({
    id: "completions.stop.string",
    requirement: "A `stop` string ends the text where it would have appeared.",
    breaks: "Few-shot prompts are gone on with into the next example; editors insert a second function.",
    toParam: (stop) => stop,
  }),
  defineStop({
    id: "completions.stop.list",
    requirement: "Any of up to four `stop` strings in a list ends the text.",
    breaks: "lm-eval and LangChain always send a list.",
    toParam: (stop) => ["§1§", "§2§", "§3§", stop],
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stop.not-echoed",
    tier: "forced",
    requirement: "The stop sequence is not part of the text.",
    reference: 'OpenAPI StopConfiguration: "the returned text will not contain the stop sequence"',
    breaks: "Parsers find their own marker in the answer.",
    async run(context) {
      const { stop, choice } = await requireStopped(context);
      const actual = JSON.stringify(choice.text);
      expectThat(!choice.text.includes(stop), { observer: "wire", expected: `no ${JSON.stringify(stop)}`, actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.stop.finish-reason",
    tier: "forced",
    requirement: 'A text that ended at a stop sequence has finish_reason "stop".',
    reference: "OpenAPI CreateCompletionResponse.choices.finish_reason",
    breaks: 'Callers ask for more, because "length" says that the text was cut.',
    async run(context) {
      const { choice } = await requireStopped(context);
      const actual = JSON.stringify(choice["finish_reason"]);
      expectThat(choice["finish_reason"] === "stop", { observer: "wire", expected: "stop", actual });
    },
  }),
];
