/** Checks of sampling options in a chat: invariants that no chance can pass and no model can break. */

import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { expectThat, throwIfUnsupported } from "../../src/expect.ts";
import { Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  type ChatFields,
  expectAccepted,
  LONG_PROMPT,
  requireText,
  userMessage,
} from "../support/chat-calls.ts";
import { askText, expectTextAccepted } from "../support/completion-calls.ts";
import { expectRefused } from "../support/envelope.ts";

const SAMPLING = {
  area: "chat",
  level: "must",
  tier: "forced",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const GREEDY: ChatFields = { messages: [userMessage(LONG_PROMPT)], max_tokens: 12, temperature: 0, seed: 7 };
/** A temperature so high that two samples are the same text only where nothing is sampled. */
const HOT: ChatFields = { max_tokens: 12, temperature: 1.9 };
/** Every vocabulary has this id. */
const TOKEN_ID = "1000";

/** Whether the text is one piece, three times or more; the first and the last may have lost a blank. */
function isRepetition(text: string): boolean {
  const periods = Array.from({ length: Math.floor(text.length / 3) }, (_, index) => index + 1);
  return periods.some((period) => text.slice(period) === text.slice(0, -period));
}

/** Two texts of the same request but for its seed. @throws Inconclusive */
async function sampleTwice(
  context: CheckContext,
  fields: ChatFields,
  seeds: readonly [number, number],
): Promise<string[]> {
  const texts = [];
  for (const seed of seeds) texts.push(await requireText(context, { ...HOT, ...fields, seed }));
  return texts;
}

/** Ends the check where the same text comes without anything that forces it. @throws Inconclusive */
async function requireChance(context: CheckContext): Promise<void> {
  const [first, second] = await sampleTwice(context, {}, [1, 2]);
  if (first === second) throw new Inconclusive("two seeds give the same text at a high temperature", "model");
}

/** A check that a number out of its documented range is refused. */
function defineRange(param: string, value: unknown, what: string): Check {
  return defineCheck({
    ...SAMPLING,
    id: `chat.sampling.${param.replace("_", "-")}-range`,
    level: "should",
    tier: "protocol",
    requirement: `${what} is refused with a 4xx.`,
    reference: `OpenAPI CreateChatCompletionRequest.${param}`,
    breaks: "A mistake goes unnoticed: the caller believes that the value had its effect.",
    async run(context) {
      expectRefused(await askChat(context, { [param]: value }));
    },
  });
}

/** Checks that a bias between two whole numbers is no reason to refuse. */
function defineFractions(): readonly Check[] {
  const bias = (value: number): ChatFields => ({ logit_bias: { [TOKEN_ID]: value } });
  const rows = [
    { area: "chat", operation: "createChatCompletion", ask: askChat, expectTaken: expectChatTaken },
    { area: "completions", operation: "createCompletion", ask: askText, expectTaken: expectTextAccepted },
  ] as const;
  return rows.map(({ area, operation, ask, expectTaken }) =>
    defineCheck({
      ...SAMPLING,
      id: `${area}.sampling.logit-bias-fraction`,
      area,
      operation,
      level: "may",
      tier: "protocol",
      requirement: "A `logit_bias` with a fraction is taken.",
      reference:
        "OpenAPI CreateChatCompletionRequest.logit_bias documents integers; vLLM and llama.cpp take any number",
      breaks: "Programs written for other servers, which scale a bias down.",
      async run(context) {
        throwIfUnsupported(await ask(context, bias(-1)), "logit_bias");
        await expectTaken(context, bias(-0.5));
      },
    }),
  );
}

async function expectChatTaken(context: CheckContext, fields: ChatFields): Promise<void> {
  await expectAccepted(context, await askChat(context, fields));
}

export const chatSamplingChecks: readonly Check[] = [
  defineCheck({
    ...SAMPLING,
    id: "chat.sampling.logit-bias",
    level: "should",
    requirement: "With a `logit_bias` of 100 on one token the text is that token again and again.",
    reference: "OpenAPI CreateChatCompletionRequest.logit_bias: 100 is exclusive selection of the token",
    breaks: "Classifiers that leave the model a choice of few tokens get any text.",
    async run(context) {
      const fields = { ...GREEDY, logit_bias: { [TOKEN_ID]: 100 } };
      throwIfUnsupported(await askChat(context, fields), "logit_bias");
      if (isRepetition((await requireText(context, GREEDY)).trim())) {
        throw new Inconclusive("the model repeats itself without being forced", "model");
      }
      const text = (await requireText(context, fields)).trim();
      if (text.length < 4) throw new Inconclusive("the text is too short to tell", "model");
      const actual = JSON.stringify(text);
      expectThat(isRepetition(text), { observer: "wire", expected: "one token again and again", actual });
    },
  }),
  defineCheck({
    ...SAMPLING,
    id: "chat.sampling.top-p",
    level: "should",
    requirement: "With a `top_p` of next to nothing every seed gives the same text, at any temperature.",
    reference: "OpenAPI CreateChatCompletionRequest.top_p: the tokens of the top probability mass",
    breaks: "Callers who narrow the choice by `top_p` alone, as OpenAI recommends, get the widest one.",
    async run(context) {
      await requireChance(context);
      const narrow = { top_p: 0.0001 };
      throwIfUnsupported(await askChat(context, narrow), "top_p");
      const greedy = [await requireText(context, GREEDY), await requireText(context, GREEDY)];
      if (greedy[0] !== greedy[1]) throw new Inconclusive("even temperature 0 is not repeatable", "chance");
      const [first, second] = await sampleTwice(context, narrow, [1, 2]);
      const actual = JSON.stringify(second);
      expectThat(first === second, { observer: "wire", expected: JSON.stringify(first), actual });
    },
  }),
  defineCheck({
    ...SAMPLING,
    id: "chat.sampling.seed",
    level: "may",
    requirement: "The same `seed` gives the same text at a high temperature too.",
    reference: "OpenAPI CreateChatCompletionRequest.seed (best effort)",
    breaks: "An answer that went wrong can't be looked at again.",
    async run(context) {
      await requireChance(context);
      const [first, second] = await sampleTwice(context, {}, [7, 7]);
      const actual = JSON.stringify(second);
      expectThat(first === second, { observer: "wire", expected: JSON.stringify(first), actual });
    },
  }),
  ...defineFractions(),
  defineRange("logit_bias", { [TOKEN_ID]: 101 }, "A `logit_bias` above 100"),
  defineRange("presence_penalty", 2.5, "A `presence_penalty` above 2"),
  defineRange("frequency_penalty", -2.5, "A `frequency_penalty` below -2"),
];
