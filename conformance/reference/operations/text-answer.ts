/**
 * The reference server's plain completions: a prompt is gone on with by numbers that depend on its length, so that no
 * two prompts of a check get the same text.
 */

import { steerText } from "../sampling.ts";
import { composeLegacyLogprobs, type LegacyLogprobs } from "../logprobs.ts";
import { splitWords, type Usage } from "./chat-answer.ts";
import type { Answer, AnswerContext, Fields } from "./operation.ts";

const DEFAULT_MAX_TOKENS = 16;
const LONGEST_TEXT = 200;

interface TextChoice {
  /** One word with its leading blank each; those of the prompt first where they are echoed. */
  readonly tokens: readonly string[];
  /** How many of them are the prompt's. */
  readonly echoed: number;
  readonly finishReason: "stop" | "length";
}

export interface TextAnswer extends Answer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly TextChoice[];
  /** How many likely tokens were asked for beside each token; null for no log probabilities. */
  readonly alternatives: number | null;
  readonly usage: Usage;
}

export interface TextCompletionChoice {
  readonly text: string;
  readonly index: number;
  readonly logprobs: LegacyLogprobs | null;
  readonly finish_reason: string | null;
}

/** A whole answer, or one event of it. */
export interface TextCompletion {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly TextCompletionChoice[];
  readonly usage?: Usage | null;
}

/** Answers a valid request. Same prompts and limits, same texts. */
export function answerText(body: Fields, { number, created }: AnswerContext): TextAnswer {
  const prompts = listPrompts(body["prompt"]);
  const choices = prompts.flatMap((words) =>
    Array.from({ length: readNumber(body["n"]) ?? 1 }, () => continuePrompt(words, body)),
  );
  const promptTokens = prompts.reduce((sum, words) => sum + words.length, 0);
  const completionTokens = choices.reduce((sum, { tokens, echoed }) => sum + tokens.length - echoed, 0);
  return {
    request: body,
    cost: completionTokens,
    breaksAfter: null,
    id: `cmpl-reference-${number}`,
    created,
    model: String(body["model"]),
    choices,
    alternatives: readNumber(body["logprobs"]) ?? null,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

export function encodeTextCompletion(answer: TextAnswer): TextCompletion {
  return {
    ...encodeBase(answer),
    choices: answer.choices.map((choice, index) => ({
      text: choice.tokens.join(""),
      index,
      logprobs: encodeLogprobs(answer, choice, [0, choice.tokens.length]),
      finish_reason: choice.finishReason,
    })),
    usage: answer.usage,
  };
}

export function encodeTextChunks(answer: TextAnswer, includeUsage: boolean): readonly TextCompletion[] {
  const base = { ...encodeBase(answer), ...(includeUsage ? { usage: null } : {}) };
  const chunks = answer.choices.flatMap((choice, index) => [
    ...choice.tokens.map((text, position) => ({
      ...base,
      choices: [
        { text, index, logprobs: encodeLogprobs(answer, choice, [position, position + 1]), finish_reason: null },
      ],
    })),
    { ...base, choices: [{ text: "", index, logprobs: null, finish_reason: choice.finishReason }] },
  ]);
  return includeUsage ? [...chunks, { ...base, choices: [], usage: answer.usage }] : chunks;
}

function encodeBase({ id, created, model }: TextAnswer): Omit<TextCompletion, "choices"> {
  return { id, object: "text_completion", created, model };
}

/** Of the tokens from `start` to before `end`. */
function encodeLogprobs(
  answer: TextAnswer,
  choice: TextChoice,
  [start, end]: readonly [number, number],
): LegacyLogprobs | null {
  if (answer.alternatives === null) return null;
  const whole = composeLegacyLogprobs(choice.tokens, answer.alternatives);
  const logprobs = choice.echoed === 0 ? whole : withoutFirst(whole);
  return {
    tokens: logprobs.tokens.slice(start, end),
    token_logprobs: logprobs.token_logprobs.slice(start, end),
    top_logprobs: logprobs.top_logprobs.slice(start, end),
    text_offset: logprobs.text_offset.slice(start, end),
  };
}

/** Nothing comes before the first token of a prompt, so that nothing made it likely. */
function withoutFirst(logprobs: LegacyLogprobs): LegacyLogprobs {
  return {
    ...logprobs,
    token_logprobs: [null, ...logprobs.token_logprobs.slice(1)],
    top_logprobs: [null, ...logprobs.top_logprobs.slice(1)],
  };
}

function continuePrompt(prompt: readonly string[], body: Fields): TextChoice {
  const first = prompt.join("").length;
  const plain = Array.from({ length: LONGEST_TEXT }, (_, index) => ` ${first + index}`).join("");
  const whole = steerText(plain, body);
  const stops = [body["stop"]].flat().filter((stop): stop is string => typeof stop === "string" && stop !== "");
  const cuts = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
  const words = splitWords(whole.slice(0, Math.min(whole.length, ...cuts)));
  const limit = readNumber(body["max_tokens"]) ?? DEFAULT_MAX_TOKENS;
  const echoed = body["echo"] === true ? prompt : [];
  return {
    tokens: [...echoed, ...words.slice(0, limit)],
    echoed: echoed.length,
    finishReason: words.length > limit ? "length" : "stop",
  };
}

/** The most tokens that can be written. */
export function estimateText(body: Fields): number {
  const limit = readNumber(body["max_tokens"]) ?? DEFAULT_MAX_TOKENS;
  return limit * (readNumber(body["n"]) ?? 1) * listPrompts(body["prompt"]).length;
}

/** The words of each prompt; a token id is a word. */
export function listPrompts(prompt: unknown): readonly (readonly string[])[] {
  if (prompt === null) return [[]];
  if (!Array.isArray(prompt)) return [splitWords(typeof prompt === "string" ? prompt : "")];
  if (typeof prompt[0] === "number") return [prompt.map((id) => ` ${id}`)];
  return prompt.map((item: unknown) => (Array.isArray(item) ? item.map((id) => ` ${id}`) : splitWords(String(item))));
}

export function readNumber(value: unknown): number | undefined {
  return typeof value === "number" ? value : undefined;
}
