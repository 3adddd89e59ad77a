/** Checks of the log probabilities of a chat answer: what they are of, and that they can be probabilities at all. */

import { choiceLogprobsSchema } from "@openai-compat/spec";
import { type Check, defineCheck } from "../../src/check.ts";
import type { CheckContext } from "../../src/check-context.ts";
import { assume, expectThat, isJsonObject, type JsonObject, throwIfUnsupported } from "../../src/expect.ts";
import { Failure, Inconclusive } from "../../src/outcome-signals.ts";
import {
  askChat,
  type ChatFields,
  LONG_PROMPT,
  requireChoice,
  requireChunks,
  userMessage,
} from "../support/chat-calls.ts";
import { expectRestOfShape } from "../support/shape.ts";
import { isLogprob, isWholeProbability } from "../support/values.ts";
import { expectRefused } from "../support/envelope.ts";
import { OWNERS } from "../support/owners.ts";

const LOGPROBS = {
  area: "chat",
  level: "must",
  tier: "protocol",
  operation: "createChatCompletion",
  needs: ["model:chat"],
} as const;

const TOKEN = "OpenAPI ChatCompletionTokenLogprob";
const ASKED = 3;
const SCORED: ChatFields = {
  messages: [userMessage(LONG_PROMPT)],
  max_tokens: 12,
  temperature: 0,
  seed: 7,
  logprobs: true,
};
const WITH_TOP: ChatFields = { ...SCORED, top_logprobs: ASKED };
/** Servers leave `refusal` out, and no client reads it. */
const OWNED_BY_OTHER_CHECKS = /^(refusal|content|content\[\d+\](\.top_logprobs\[\d+\])?\.logprob)$/;

/** A choice with a text, whose log probabilities were asked for. @throws Inconclusive, Unsupported */
async function requireScored(context: CheckContext, fields: ChatFields = WITH_TOP): Promise<JsonObject> {
  throwIfUnsupported(await askChat(context, fields), "logprobs", "top_logprobs");
  const choice = await requireChoice(context, fields);
  const { content, reasoning_content: reasoning } = isJsonObject(choice["message"]) ? choice["message"] : {};
  if (typeof content !== "string" || content === "") throw new Inconclusive("the answer has no text", "model");
  // Servers differ in whether the tokens of the reasoning are listed.
  if ((reasoning ?? "") !== "") throw new Inconclusive("the model reasons before it answers", "model");
  return choice;
}

/** The entries of an answer's tokens. @throws Inconclusive */
async function requireTokens(context: CheckContext, fields: ChatFields = WITH_TOP): Promise<readonly JsonObject[]> {
  const { logprobs } = await requireScored(context, fields);
  return assume("a list of tokens", OWNERS.chatScores, () => expectTokens(logprobs));
}

/** @throws Failure */
function expectTokens(logprobs: unknown): readonly JsonObject[] {
  const tokens = listTokens(logprobs);
  const holds = tokens.length > 0 && tokens.every(({ token }) => typeof token === "string");
  expectThat(holds, { observer: "schema", expected: "logprobs.content", actual: JSON.stringify(logprobs) });
  return tokens;
}

function listTokens(logprobs: unknown): readonly JsonObject[] {
  const { content } = isJsonObject(logprobs) ? logprobs : {};
  return Array.isArray(content) ? content.filter(isJsonObject) : [];
}

/** The probabilities of the likely tokens at each position, as numbers. @throws Inconclusive */
async function requireTops(context: CheckContext): Promise<readonly (readonly number[])[]> {
  return (await requireTokens(context)).map(({ top_logprobs: top }) =>
    assume("top_logprobs with numbers", OWNERS.chatScoresTop, () => {
      const values = (Array.isArray(top) ? top.filter(isJsonObject) : []).map(({ logprob }) => logprob);
      const holds = values.length > 0 && values.every((value) => typeof value === "number");
      expectThat(holds, { observer: "schema", expected: "likely tokens", actual: JSON.stringify(top) });
      return values;
    }),
  );
}

/** The texts of the tokens, one after the other. */
async function streamTokens(context: CheckContext): Promise<string> {
  const choices = (await requireChunks(context, SCORED)).flatMap((chunk) => chunk.choices);
  return JSON.stringify(choices.flatMap(({ logprobs }) => listTokens(logprobs)).map(({ token }) => token));
}

function readBytes({ bytes, token }: JsonObject): Uint8Array {
  return Buffer.from(Array.isArray(bytes) ? bytes.map(Number) : Buffer.from(String(token)));
}

export const chatLogprobChecks: readonly Check[] = [
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.given",
    requirement: "`logprobs: true` gives a list of tokens in `choices[].logprobs.content`.",
    reference: "OpenAPI CreateChatCompletionRequest.logprobs; ollama/ollama#16117; xorbitsai/inference#5252",
    breaks: "Classifiers and judges that read a probability get null, or the lists of the old endpoint.",
    async run(context) {
      expectTokens((await requireScored(context, SCORED))["logprobs"]);
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.shape",
    requirement:
      "Each token has `token`, `bytes` and a list `top_logprobs`, also where no likely tokens were asked for.",
    reference: `${TOKEN}; vllm-project/vllm#4795; BerriAI/litellm#21932`,
    breaks: "LiteLLM and the Vercel AI SDK validate the entries, and throw the answer away.",
    async run(context) {
      for (const fields of [SCORED, WITH_TOP]) {
        const choice = await requireScored(context, fields);
        assume("a list of tokens", OWNERS.chatScores, () => expectTokens(choice["logprobs"]));
        expectRestOfShape(choice["logprobs"], choiceLogprobsSchema, OWNED_BY_OTHER_CHECKS);
      }
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.bytes-are-the-text",
    requirement: "The `bytes` of all tokens, joined, are the UTF-8 of the content.",
    reference: `${TOKEN}.bytes`,
    breaks: "Programs that find a word's probability by its position read that of another.",
    async run(context) {
      const tokens = await requireTokens(context);
      const { message } = await requireScored(context);
      const text = String(isJsonObject(message) ? message["content"] : "").trim();
      const bytes = tokens.map(readBytes);
      // A token that ends every answer, such as `<|im_end|>`, is no part of it; templates trim the first blank.
      const joined = [bytes, bytes.slice(0, -1)].map((parts) => Buffer.concat(parts).toString("utf8").trim());
      const [expected, actual] = [JSON.stringify(text), JSON.stringify(joined[0])];
      const isCut = text.includes("\uFFFD") || joined[0]?.includes("\uFFFD") === true;
      if (isCut) throw new Inconclusive("the model wrote parts of characters", "model");
      expectThat(joined.includes(text), { observer: "wire", expected, actual });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.range",
    requirement: "Each `logprob` is a number of at most 0.",
    reference: `${TOKEN}.logprob`,
    breaks: "Sums of probabilities in place of their logarithms rank the answers wrongly.",
    async run(context) {
      const values = (await requireTokens(context)).map(({ logprob }) => logprob);
      const actual = JSON.stringify(values);
      expectThat(values.every(isLogprob), { observer: "schema", expected: "numbers of at most 0", actual });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.top-count",
    requirement:
      "`top_logprobs` gives as many likely tokens at each position as requested, or at rare positions fewer.",
    reference: "OpenAPI CreateChatCompletionRequest.top_logprobs",
    breaks: "Judges that compare the probabilities of A to E miss some of them.",
    async run(context) {
      // Where the chosen token is none of the likeliest, some servers add it, as the document says of completions.
      const counts = (await requireTokens(context)).map(({ token, top_logprobs: top }) => {
        const likely = Array.isArray(top) ? top.filter(isJsonObject).map((entry) => entry["token"]) : [];
        return likely.length === ASKED + 1 && likely.indexOf(token) === ASKED ? ASKED : likely.length;
      });
      const holds = counts.includes(ASKED) && counts.every((count) => count > 0 && count <= ASKED);
      expectThat(holds, { observer: "wire", expected: `${ASKED} at each position`, actual: JSON.stringify(counts) });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.top-sorted",
    level: "should",
    requirement: "The likely tokens stand in the order of their probability, the likeliest first.",
    reference: "OpenAPI CreateChatCompletionRequest.top_logprobs: the most likely tokens",
    breaks: "Judges take the first for the model's answer.",
    async run(context) {
      const wrong = (await requireTops(context)).find((top) =>
        top.some((value, at) => value > (top[at - 1] ?? 0) + 1e-3),
      );
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "wire", expected: "numbers that fall", actual });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.top-sum",
    requirement: "The probabilities of the likely tokens at a position add up to 1 at most.",
    reference: `${TOKEN}.top_logprobs: they are of one distribution`,
    breaks: "Weighted scores come out above the scale; a token that is listed twice counts twice.",
    async run(context) {
      const wrong = (await requireTops(context)).find((top) => !isWholeProbability(top));
      const actual = JSON.stringify(wrong);
      expectThat(wrong === undefined, { observer: "wire", expected: "a sum of exp of at most 1", actual });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.greedy",
    level: "should",
    tier: "forced",
    requirement: "At temperature 0 the token that was written is as likely as the likeliest of its `top_logprobs`.",
    reference: "OpenAPI CreateChatCompletionRequest.temperature; top_logprobs",
    breaks: "The probabilities are of another position or another model than the text, and confidence means nothing.",
    async run(context) {
      const tops = await requireTops(context);
      const chosen = (await requireTokens(context)).map(({ logprob }) => Number(logprob));
      const likeliest = chosen.filter((logprob, at) => logprob >= Math.max(...(tops[at] ?? [])) - 0.01).length;
      // A server's own penalty for repetition may choose another one now and then.
      const holds = likeliest * 2 > chosen.length;
      const actual = `${likeliest} of ${chosen.length}`;
      expectThat(holds, { observer: "wire", expected: "the likeliest at most positions", actual });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.streamed",
    requirement: "The tokens of all chunks are those of the non-streaming answer.",
    reference: "OpenAPI CreateChatCompletionStreamResponse.choices.logprobs; vllm-project/vllm#3179",
    breaks: "A client that shows how sure the model is shows nothing once it streams, or loses tokens between chunks.",
    async run(context) {
      const oneShot = JSON.stringify((await requireTokens(context, SCORED)).map(({ token }) => token));
      const again = JSON.stringify((await requireTokens(context, SCORED)).map(({ token }) => token));
      if (oneShot !== again) throw new Inconclusive("non-streaming is not repeatable", "chance");
      const streamed = await streamTokens(context);
      if (streamed === oneShot) return;
      if (streamed !== (await streamTokens(context))) throw new Inconclusive("the stream is not repeatable", "chance");
      throw new Failure({ observer: "wire", expected: oneShot, actual: streamed });
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.top-needs-logprobs",
    level: "should",
    requirement: "`top_logprobs` without `logprobs: true` is refused with a 4xx.",
    reference: "OpenAPI CreateChatCompletionRequest.top_logprobs: logprobs must be set to true",
    breaks: "A mistake goes unnoticed, and the caller looks for probabilities that nobody sends.",
    async run(context) {
      throwIfUnsupported(await askChat(context, WITH_TOP), "logprobs", "top_logprobs");
      expectRefused(await askChat(context, { top_logprobs: ASKED }));
    },
  }),
  defineCheck({
    ...LOGPROBS,
    id: "chat.logprobs.top-range",
    level: "should",
    requirement: "More than 20 `top_logprobs` are refused with a 4xx.",
    reference: "OpenAPI CreateChatCompletionRequest.top_logprobs (0 to 20)",
    breaks: "A caller who asked for more takes those that came for all there are.",
    async run(context) {
      throwIfUnsupported(await askChat(context, WITH_TOP), "logprobs", "top_logprobs");
      expectRefused(await askChat(context, { logprobs: true, top_logprobs: 21 }));
    },
  }),
];
