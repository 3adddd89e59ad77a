/** Checks of the log probabilities of plain completions: four lists, one entry per token. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askText,
  COMPLETIONS,
  COUNTING,
  readTextChoices,
  type TextChoice,
  type TextFields,
} from "../support/completion-calls.ts";
import { isLogprob, isWholeProbability } from "../support/values.ts";
import { OWNERS } from "../support/owners.ts";

const LOGPROBS = "OpenAPI CreateCompletionResponse.choices.logprobs";
const ECHO_LOGPROBS = `${LOGPROBS}; EleutherAI/lm-evaluation-harness openai_completions.py parse_logprobs`;
const ASKED = 3;

interface Scored {
  readonly choice: TextChoice;
  readonly logprobs: JsonObject;
}

/** A choice whose log probabilities were asked for. @throws Inconclusive, Unsupported */
async function requireScored(context: CheckContext, fields: TextFields = {}): Promise<Scored> {
  const exchange = await askText(context, { logprobs: ASKED, ...fields });
  throwIfUnsupported(exchange, "logprobs", "echo");
  const [choice] = readTextChoices(exchange);
  if (choice?.text === "") throw new Inconclusive("the model writes nothing", "model");
  return assume("log probabilities", OWNERS.textScores, () => {
    const actual = JSON.stringify(choice);
    expectThat(isJsonObject(choice?.["logprobs"]), { observer: "schema", expected: "logprobs", actual });
    return { choice, logprobs: choice["logprobs"] };
  });
}

/** With the prompt in it, and in the text. @throws Inconclusive, Unsupported */
async function requireScoredPrompt(context: CheckContext): Promise<Scored> {
  const scored = await requireScored(context, { echo: true });
  if (scored.choice.text.trimStart().startsWith(COUNTING)) return scored;
  throw new Inconclusive("the prompt is not echoed", OWNERS.textEcho);
}

/** One of the four lists. @throws Inconclusive */
function requireList(logprobs: JsonObject, name: string): readonly unknown[] {
  return assume(`logprobs.${name} is a list`, OWNERS.textScores, () => {
    const list = logprobs[name];
    const holds = Array.isArray(list) && list.length > 0;
    expectThat(holds, { observer: "schema", expected: "a list", actual: JSON.stringify(list) });
    return list as readonly unknown[];
  });
}

/** The tokens as texts, all of whole characters. @throws Inconclusive */
function requireTokens(logprobs: JsonObject): readonly string[] {
  const tokens = requireList(logprobs, "tokens").filter((token) => typeof token === "string");
  const isPlain = tokens.every((token) => !token.includes("\uFFFD") && !token.startsWith("bytes:"));
  if (!isPlain) throw new Inconclusive("the model wrote parts of characters", "model");
  return tokens;
}

export const completionLogprobChecks: readonly Check[] = [
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.given",
    requirement: "`logprobs` gives an object of four lists of the same length, one entry per token.",
    reference: LOGPROBS,
    breaks: "lm-eval and perplexity scripts index the lists by token.",
    async run(context) {
      const exchange = await askText(context, { logprobs: ASKED });
      throwIfUnsupported(exchange, "logprobs");
      const [choice] = readTextChoices(exchange);
      if (choice?.text === "") throw new Inconclusive("the model writes nothing", "model");
      const logprobs = isJsonObject(choice?.["logprobs"]) ? choice["logprobs"] : {};
      const lists = ["tokens", "token_logprobs", "top_logprobs", "text_offset"].map((name) => logprobs[name]);
      const lengths = lists.map((list) => (Array.isArray(list) ? list.length : 0));
      const holds = lengths.every((length) => length > 0 && length === lengths[0]);
      const actual = JSON.stringify(choice?.["logprobs"]);
      expectThat(holds, { observer: "schema", expected: "four lists of the same length", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.tokens-are-the-text",
    requirement: "The `tokens`, joined, are the text.",
    reference: `${LOGPROBS}.tokens`,
    breaks: "Programs that find a word's probability by its position read that of another.",
    async run(context) {
      const { choice, logprobs } = await requireScored(context);
      const joined = requireTokens(logprobs).join("");
      const [expected, actual] = [JSON.stringify(choice.text), JSON.stringify(joined)];
      // A first blank that the tokenizer adds belongs to the token and not always to the text.
      expectThat(joined.trim() === choice.text.trim(), { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.range",
    requirement: "Each of `token_logprobs` is a number of at most 0.",
    reference: `${LOGPROBS}.token_logprobs`,
    breaks: "Sums of probabilities in place of their logarithms rank the answers wrongly.",
    async run(context) {
      const values = requireList((await requireScored(context)).logprobs, "token_logprobs");
      expectThat(values.every(isLogprob), {
        observer: "schema",
        expected: "numbers of at most 0",
        actual: JSON.stringify(values),
      });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.offsets",
    level: "should",
    requirement: "Each of `text_offset` is that of the token before and the length of that token.",
    reference: `${LOGPROBS}.text_offset`,
    breaks: "lm-eval's older harnesses find where the prompt ends by it.",
    async run(context) {
      const { logprobs } = await requireScored(context);
      const offsets = requireList(logprobs, "text_offset").map(Number);
      const tokens = requireTokens(logprobs);
      if (offsets.length !== tokens.length) throw new Inconclusive("the lists differ in length", OWNERS.textOffsets);
      // Languages count an emoji as one character or as two; the first token may begin with a blank that is not in the
      // text.
      const holds = offsets.every((offset, position) => {
        const gap = offset - (offsets[position - 1] ?? offset);
        const before = tokens[position - 1] ?? "";
        const lengths = position === 0 ? [0] : [before.length, Array.from(before).length];
        return lengths.some((length) => gap === length || (position === 1 && gap === length - 1));
      });
      expectThat(holds, { observer: "wire", expected: "sums of lengths", actual: JSON.stringify({ offsets, tokens }) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.top",
    level: "should",
    requirement:
      "Each of `top_logprobs` maps as many tokens as were asked for, or one more, to log probabilities of at most 0 whose probabilities add up to at most 1.",
    reference: `${LOGPROBS}.top_logprobs; CreateCompletionRequest.logprobs: "up to logprobs+1 elements"`,
    breaks: "lm-eval asks whether the token was the likeliest; samplers of the client choose among them.",
    async run(context) {
      const tops = requireList((await requireScored(context)).logprobs, "top_logprobs");
      const maps = tops.map((top) => (isJsonObject(top) ? Object.values(top) : []));
      const expectEach = (expected: string, holds: (values: readonly unknown[]) => boolean): void => {
        const wrong = maps.findIndex((values) => !holds(values));
        expectThat(wrong === -1, { observer: "schema", expected, actual: JSON.stringify(tops[wrong]) });
      };
      expectEach(`maps of at most ${ASKED + 1} tokens`, ({ length }) => length <= ASKED + 1);
      expectEach("log probabilities of at most 0", (values) => values.every(isLogprob));
      expectEach("probabilities of one token that add up to at most 1", (values) =>
        isWholeProbability(values.filter(isLogprob)),
      );
      // Two tokens of the same text are one entry of a map, but not at every position.
      const isFull = maps.some(({ length }) => length >= ASKED);
      expectThat(isFull, { observer: "schema", expected: `maps of ${ASKED} tokens`, actual: JSON.stringify(tops) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.zero",
    level: "should",
    requirement: "`logprobs: 0` gives the probabilities of the tokens themselves.",
    reference: "OpenAPI CreateCompletionRequest.logprobs (0 to 5)",
    breaks: "Perplexity scripts that need nothing else get null where 0 is taken for no.",
    async run(context) {
      await requireScored(context);
      const [choice] = readTextChoices(await askText(context, { logprobs: 0 }));
      const { token_logprobs: values } = isJsonObject(choice?.["logprobs"]) ? choice["logprobs"] : {};
      const holds = Array.isArray(values) && values.length > 0;
      expectThat(holds, { observer: "schema", expected: "token_logprobs", actual: JSON.stringify(choice) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.echoed-tokens",
    requirement: "With `echo` the lists hold the tokens of the prompt too.",
    reference: `${ECHO_LOGPROBS}; ggml-org/llama.cpp#15189`,
    breaks: "lm-eval scores exactly by chance, and nobody is told.",
    async run(context) {
      const { choice, logprobs } = await requireScoredPrompt(context);
      const tokens = requireTokens(logprobs);
      // A token that begins every text, such as `<s>`, is no part of it.
      const joined = [tokens.join(""), tokens.slice(1).join("")].map((text) => text.trim());
      const [expected, actual] = [JSON.stringify(choice.text), JSON.stringify(joined[0])];
      expectThat(joined.includes(choice.text.trim()), { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.logprobs.echoed-first-null",
    level: "should",
    requirement: "With `echo` the first of `token_logprobs` is null, and the others are numbers.",
    reference: ECHO_LOGPROBS,
    breaks: "A number in the place of nothing goes into the sum that ranks the answers.",
    async run(context) {
      const [first, ...others] = requireList((await requireScoredPrompt(context)).logprobs, "token_logprobs");
      const holds = first === null && others.every(isLogprob);
      const actual = JSON.stringify([first, ...others]);
      expectThat(holds, { observer: "schema", expected: "null, then numbers", actual });
    },
  }),
];
