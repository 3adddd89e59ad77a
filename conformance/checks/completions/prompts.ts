/** Checks of what becomes of the prompts of a plain completion: lists, token ids, `n`, `echo` and `suffix`. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectErrorEnvelope, expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import { readUsage } from "../support/chat-calls.ts";
import {
  askText,
  COMPLETIONS,
  COUNTING,
  expectTextAccepted,
  OTHER_PROMPT,
  readTextBody,
  readTextChoices,
  REPEATABLE,
  requireContinuation,
  requireTextBody,
  requireTextChoices,
  type TextFields,
} from "../support/completion-calls.ts";
import { OWNERS } from "../support/owners.ts";

const PROMPTS = [COUNTING, OTHER_PROMPT];
const PROMPT = "OpenAPI CreateCompletionRequest.prompt";
const ECHO = "OpenAPI CreateCompletionRequest.echo";
/** Three small ids: every vocabulary has them. */
const TOKEN_IDS = [300, 301, 302];

/** Texts that hold their prompts, so that each says whose it is. @throws Inconclusive, Unsupported */
async function requireEchoes(context: CheckContext, fields: TextFields = {}): Promise<readonly string[]> {
  throwIfUnsupported(await askText(context, { echo: true }), "echo");
  const texts = (await requireTextChoices(context, { echo: true, ...fields })).map(({ text }) => text.trimStart());
  const isEchoed = PROMPTS.some((prompt) => texts[0]?.startsWith(prompt) === true);
  if (!isEchoed) throw new Inconclusive("the prompt is not echoed", OWNERS.textEcho);
  return texts;
}

export const completionPromptChecks: readonly Check[] = [
  defineCheck({
    ...COMPLETIONS,
    id: "completions.prompts.list",
    requirement: "A list of prompts gives a choice for each, with the indices 0, 1 and so on in this order.",
    reference: `${PROMPT}; OpenAPI CreateCompletionResponse.choices.index`,
    breaks: "lm-eval and LangChain send batches; they pair by index, or by position without looking at the index.",
    async run(context) {
      const choices = readTextChoices(await expectTextAccepted(context, { prompt: PROMPTS }));
      const actual = JSON.stringify(choices.map(({ index }) => index));
      expectThat(actual === "[0,1]", { observer: "wire", expected: "[0,1]", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.prompts.order",
    requirement: "The choices of a list of prompts stand in the order of the prompts.",
    reference: PROMPT,
    breaks: "A batch is scored and stored under the wrong prompts, without an error.",
    async run(context) {
      const [first, second] = [
        await requireContinuation(context, { ...REPEATABLE, prompt: COUNTING }),
        await requireContinuation(context, { ...REPEATABLE, prompt: OTHER_PROMPT }),
      ];
      if (first === second) throw new Inconclusive("the model goes on with both prompts in the same way", "model");
      const texts = (await requireTextChoices(context, { ...REPEATABLE, prompt: PROMPTS })).map(({ text }) => text);
      if (texts.length !== 2) throw new Inconclusive("there are not two choices", OWNERS.textPrompts);
      // A batch may be computed a little differently; what can't be chance is the other prompt's very text.
      const holds = texts[0] !== second && texts[1] !== first;
      const expected = JSON.stringify([first, second]);
      expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(texts) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.prompts.token-ids",
    requirement: "Lists of token ids are prompts too: one list is one prompt, several are several.",
    reference: `${PROMPT}; EleutherAI/lm-evaluation-harness openai_completions.py`,
    breaks: "lm-eval and LangChain's batching send token ids.",
    async run(context) {
      const counts = [];
      for (const prompt of [TOKEN_IDS, [TOKEN_IDS, [303]]]) {
        counts.push(readTextChoices(await expectTextAccepted(context, { prompt })).length);
      }
      const actual = counts.join(" and ");
      expectThat(actual === "1 and 2", { observer: "wire", expected: "1 and 2 choices", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.prompts.token-ids-count",
    requirement: "A prompt of token ids has as many prompt tokens as ids, but for a token that begins every text.",
    reference: `${PROMPT}; OpenAPI CompletionUsage.prompt_tokens`,
    breaks: "Ids that were printed and read again are another prompt: scores by lm-eval mean nothing.",
    async run(context) {
      const { prompt_tokens: tokens } = readUsage(
        await requireTextBody(context, { prompt: TOKEN_IDS }),
        OWNERS.textUsage,
      );
      const holds = tokens === TOKEN_IDS.length || tokens === TOKEN_IDS.length + 1;
      expectThat(holds, { observer: "wire", expected: "3 or 4 prompt tokens", actual: String(tokens) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.n.choices",
    tier: "forced",
    requirement: "Each prompt gets `n` choices; two prompts with `n: 2` have the indices 0 to 3.",
    reference: "OpenAPI CreateCompletionRequest.n",
    breaks: "Best-of-n and self-consistency read one answer and believe it to be all.",
    async run(context) {
      throwIfUnsupported(await askText(context, { n: 2 }), "n");
      const exchange = await expectTextAccepted(context, { prompt: PROMPTS, n: 2 });
      const indices = readTextChoices(exchange).map(({ index }) => Number(index));
      const actual = JSON.stringify(indices.toSorted((one, other) => one - other));
      expectThat(actual === "[0,1,2,3]", { observer: "wire", expected: "[0,1,2,3]", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.n.grouped",
    tier: "forced",
    requirement: "The `n` choices of a prompt stand together, those of the first prompt first.",
    reference: "OpenAPI CreateCompletionRequest.n; langchain-openai llms/base.py create_llm_result",
    breaks: "LangChain cuts the list of choices into groups of `n`, one for each prompt.",
    async run(context) {
      throwIfUnsupported(await askText(context, { n: 2 }), "n");
      const texts = await requireEchoes(context, { prompt: PROMPTS, n: 2 });
      if (texts.length !== 4) throw new Inconclusive("there are not four choices", OWNERS.textChoices);
      const owners = texts.map((text) => PROMPTS.findIndex((prompt) => text.startsWith(prompt)));
      const actual = JSON.stringify(owners);
      expectThat(actual === "[0,0,1,1]", { observer: "wire", expected: "prompts [0,0,1,1]", actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.echo.prompt-first",
    tier: "forced",
    requirement: "With `echo` the text begins with the prompt.",
    reference: `${ECHO}; ggml-org/llama.cpp#27174; EleutherAI/lm-evaluation-harness#1949`,
    breaks: "lm-eval scores exactly by chance, and nobody is told.",
    async run(context) {
      throwIfUnsupported(await askText(context, { echo: true }), "echo");
      const text = await requireContinuation(context, { echo: true });
      const expected = `a text that begins with ${JSON.stringify(COUNTING)}`;
      const holds = text.trimStart().startsWith(COUNTING);
      expectThat(holds, { observer: "wire", expected, actual: JSON.stringify(text) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.echo.only-when-asked",
    tier: "forced",
    requirement: "Without `echo` the text does not begin with the prompt.",
    reference: `${ECHO} (default false)`,
    breaks: "Editors insert what is already there.",
    async run(context) {
      const texts = [];
      for (const prompt of PROMPTS) texts.push(await requireContinuation(context, { prompt, max_tokens: 48 }));
      // A model may repeat one prompt by itself, but hardly both.
      const holds = !texts.every((text, position) => text.startsWith(PROMPTS[position] ?? ""));
      expectThat(holds, { observer: "wire", expected: "what follows the prompt", actual: JSON.stringify(texts[0]) });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.echo.nothing-written",
    level: "should",
    tier: "forced",
    requirement: "With `echo` and `max_tokens: 0` the text is the prompt and nothing else.",
    reference: `${ECHO}; BerriAI/litellm#699`,
    breaks: "lm-eval and perplexity scripts read the log probabilities of their prompt this way.",
    async run(context) {
      const [echoed = ""] = await requireEchoes(context);
      const [choice] = readTextChoices(await expectTextAccepted(context, { echo: true, max_tokens: 0 }));
      const text = choice?.text.trimStart();
      const actual = `${JSON.stringify(text)}, and ${JSON.stringify(echoed)} with more tokens`;
      expectThat(text === COUNTING, { observer: "wire", expected: JSON.stringify(COUNTING), actual });
    },
  }),
  defineCheck({
    ...COMPLETIONS,
    id: "completions.suffix",
    level: "should",
    requirement: "`suffix` reaches the model, or is refused with a 4xx that names it; it is never ignored.",
    reference: "OpenAPI CreateCompletionRequest.suffix",
    breaks: "Editors insert code that does not fit what follows, and cannot know why.",
    async run(context) {
      const plain = readUsage(await requireTextBody(context), OWNERS.textUsage);
      const suffix = "and so the long count came to its end at one hundred.";
      const exchange = await askText(context, { suffix });
      const { status = 0 } = exchange.response ?? {};
      if (status >= 400 && status < 500) {
        const { param, message } = expectErrorEnvelope(exchange);
        const names = param === "suffix" || message.includes("suffix");
        expectThat(names, { observer: "schema", expected: "the refusal to name suffix", actual: message });
        return;
      }
      const filled = readUsage(readTextBody(exchange), OWNERS.textUsage);
      const actual = `${filled.prompt_tokens} prompt tokens with a suffix and ${plain.prompt_tokens} without`;
      const expected = "more prompt tokens, or a refusal";
      expectThat(filled.prompt_tokens > plain.prompt_tokens, { observer: "wire", expected, actual });
    },
  }),
];
