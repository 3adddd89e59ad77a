/** Plain completions of the wrong shape, of the wrong prompts or of the wrong length, and requests that are not refused. */

import {
  answerText,
  encodeTextCompletion,
  type TextCompletion,
  type TextCompletionChoice,
} from "../completion-answer.ts";
import { makeRefusal } from "../refusal.ts";
import type { ChatBody } from "../rules.ts";
import { type Mutant, omit } from "./mutant.ts";

type Naming = Omit<Mutant, "mutate">;

/** Changes one-shot answers. */
function mutateText(naming: Naming, change: (completion: TextCompletion, body: ChatBody) => unknown): Mutant {
  return { ...naming, mutate: () => ({ text: change }) };
}

/** Changes each choice of one-shot answers. */
function mutateTextChoice(naming: Naming, change: (choice: TextCompletionChoice, body: ChatBody) => object): Mutant {
  return mutateText(naming, (completion, body) => ({
    ...completion,
    choices: completion.choices.map((choice) => change(choice, body)),
  }));
}

/** Loses parts of a valid request. */
function lose(naming: Naming, change: (body: ChatBody) => ChatBody): Mutant {
  return { ...naming, mutate: () => ({ readText: change }) };
}

/** Refuses what is to be answered. */
function refuse(naming: Naming, param: string, when: (body: ChatBody) => boolean): Mutant {
  return {
    ...naming,
    mutate: ({ judgeText }) => ({
      judgeText: (body) => (when(body) ? makeRefusal("invalid_value", { param }) : judgeText(body)),
    }),
  };
}

/** Answers what a wrong request might have meant. */
function accept(naming: Naming, repair: (body: ChatBody) => ChatBody): Mutant {
  return {
    ...naming,
    mutate: ({ judgeText }) => ({ judgeText: (body) => judgeText(repair(body)), readText: repair }),
  };
}

function encode(body: ChatBody): TextCompletion {
  return encodeTextCompletion(answerText(body));
}

function isScored({ logprobs }: ChatBody): boolean {
  return typeof logprobs === "number";
}

function isList(body: ChatBody): boolean {
  return Array.isArray(body["prompt"]) && typeof body["prompt"][0] !== "number";
}

const shapeMutants: readonly Mutant[] = [
  mutateText(
    {
      id: "completions.texts-as-strings",
      description: "choices are bare strings",
      intended: ["completions.answers", "completions.shape"],
    },
    (completion) => ({ ...completion, choices: completion.choices.map(({ text }) => text) }),
  ),
  mutateText(
    {
      id: "completions.object-of-chat",
      description: "`object` is that of a chat",
      intended: ["completions.object"],
    },
    (completion) => ({ ...completion, object: "chat.completion" }),
  ),
  mutateText(
    {
      id: "completions.created-milliseconds",
      description: "`created` is in milliseconds",
      intended: ["completions.created-seconds"],
    },
    (completion) => ({ ...completion, created: Date.now() }),
  ),
  mutateTextChoice(
    {
      id: "completions.no-index",
      description: "choices have no index",
      intended: ["completions.index", "completions.n.choices", "completions.prompts.list"],
    },
    (choice) => omit(choice, "index"),
  ),
  mutateTextChoice(
    {
      id: "completions.finish-eos",
      description: "an answer ends with a reason that is not documented",
      intended: ["completions.finish-reason", "completions.limit.max-tokens"],
    },
    (choice) => ({ ...choice, finish_reason: choice.finish_reason === "length" ? "max_tokens" : choice.finish_reason }),
  ),
  mutateTextChoice(
    {
      id: "completions.no-logprobs",
      description: "`logprobs` is left out where there are none",
      intended: ["completions.logprobs-null"],
    },
    (choice) => (choice.logprobs === null ? omit(choice, "logprobs") : choice),
  ),
  mutateText(
    {
      id: "completions.no-id",
      description: "an answer has no id",
      intended: ["completions.shape"],
    },
    (completion) => omit(completion, "id"),
  ),
  mutateText(
    {
      id: "completions.total-of-text",
      description: "the total of `usage` is that of the text",
      intended: ["completions.usage"],
    },
    ({ usage, ...rest }) => ({ ...rest, usage: { ...usage, total_tokens: usage?.completion_tokens } }),
  ),
  mutateText(
    {
      id: "completions.usage-of-first",
      description: "`usage` counts the first prompt only",
      intended: ["completions.usage-of-all-prompts"],
    },
    (completion, body) =>
      isList(body)
        ? { ...completion, usage: encode({ ...body, prompt: [body["prompt"]].flat()[0] }).usage }
        : completion,
  ),
  refuse(
    {
      id: "completions.null-refused",
      description: "null is no number of choices",
      intended: ["completions.null-is-omitted"],
    },
    "n",
    (body) => body["n"] === null,
  ),
];

const promptMutants: readonly Mutant[] = [
  mutateText(
    {
      id: "completions.index-of-prompt",
      description: "every choice of a list of prompts has the index 0",
      intended: ["completions.n.choices", "completions.prompts.list"],
    },
    (completion) => ({ ...completion, choices: completion.choices.map((choice) => ({ ...choice, index: 0 })) }),
  ),
  mutateText(
    {
      id: "completions.reversed",
      description: "the texts of a list of prompts come back in the opposite order",
      intended: ["completions.n.grouped", "completions.prompts.order"],
    },
    (completion) => ({
      ...completion,
      choices: completion.choices.map((choice, place) => ({
        ...completion.choices.at(-1 - place),
        index: choice.index,
      })),
    }),
  ),
  mutateText(
    {
      id: "completions.interleaved",
      description: "the first choices of all prompts come before the second ones",
      intended: ["completions.n.grouped"],
    },
    (completion, body) => {
      if (!isList(body) || body["n"] !== 2) return completion;
      const { choices } = completion;
      return { ...completion, choices: [0, 2, 1, 3].map((from, index) => ({ ...choices[from], index })) };
    },
  ),
  refuse(
    {
      id: "completions.texts-only",
      description: "token ids are refused",
      intended: ["completions.prompts.token-ids"],
    },
    "prompt",
    (body) => [body["prompt"]].flat(2).some((item) => typeof item === "number"),
  ),
  lose(
    {
      id: "completions.ids-as-text",
      description: "token ids are read as the text that prints them",
      intended: ["completions.prompts.token-ids-count"],
    },
    (body) =>
      Array.isArray(body["prompt"]) && !isList(body)
        ? { ...body, prompt: body["prompt"].map((id) => `${id} ,`).join(" ") }
        : body,
  ),
  lose(
    {
      id: "completions.n-ignored",
      description: "`n` is ignored",
      intended: ["completions.n.choices"],
    },
    (body) => omit(body, "n"),
  ),
  lose(
    {
      id: "completions.echo-ignored",
      description: "`echo` is ignored",
      intended: ["completions.echo.prompt-first"],
    },
    (body) => omit(body, "echo"),
  ),
  lose(
    {
      id: "completions.always-echo",
      description: "every text without log probabilities begins with its prompt",
      intended: ["completions.echo.only-when-asked"],
    },
    (body) => (isScored(body) ? body : { ...body, echo: true }),
  ),
  refuse(
    {
      id: "completions.some-tokens",
      description: "`max_tokens: 0` is refused",
      intended: ["completions.echo.nothing-written"],
    },
    "max_tokens",
    (body) => body["max_tokens"] === 0,
  ),
  lose(
    {
      id: "completions.zero-is-default",
      description: "`max_tokens: 0` is taken for no limit",
      intended: ["completions.echo.nothing-written"],
    },
    (body) => (body["max_tokens"] === 0 ? omit(body, "max_tokens") : body),
  ),
  accept(
    {
      id: "completions.suffix-ignored",
      description: "`suffix` is ignored",
      intended: ["completions.suffix"],
    },
    (body) => omit(body, "suffix"),
  ),
  refuse(
    {
      id: "completions.suffix-unnamed",
      description: "a request with `suffix` is refused, and the prompt is blamed",
      intended: ["completions.suffix"],
    },
    "prompt",
    (body) => typeof body["suffix"] === "string",
  ),
];

const limitMutants: readonly Mutant[] = [
  lose(
    {
      id: "completions.max-tokens-ignored",
      description: "a text has 16 tokens whatever was asked for",
      intended: ["completions.echo.nothing-written", "completions.limit.max-tokens"],
    },
    (body) => ({ ...body, max_tokens: 16 }),
  ),
  mutateTextChoice(
    {
      id: "completions.always-stop",
      description: "a cut text ends with `stop`",
      intended: ["completions.limit.max-tokens"],
    },
    (choice) => ({ ...choice, finish_reason: "stop" }),
  ),
  lose(
    {
      id: "completions.no-default-limit",
      description: "a text without a limit is as long as the model likes",
      intended: ["completions.limit.default"],
    },
    (body) => ({ max_tokens: 200, ...body }),
  ),
  lose(
    {
      id: "completions.stop-ignored",
      description: "`stop` is ignored",
      intended: ["completions.stop.list", "completions.stop.string"],
    },
    (body) => omit(body, "stop"),
  ),
  lose(
    {
      id: "completions.first-stop-only",
      description: "only the first of several stops counts",
      intended: ["completions.stop.list"],
    },
    (body) => ({ ...body, stop: [body["stop"]].flat()[0] }),
  ),
  mutateTextChoice(
    {
      id: "completions.stop-echoed",
      description: "the stop sequence is left at the end of the text",
      intended: ["completions.stop.not-echoed"],
    },
    (choice, body) =>
      typeof body["stop"] === "string" && choice.finish_reason === "stop"
        ? { ...choice, text: `${choice.text}${body["stop"]}` }
        : choice,
  ),
  mutateTextChoice(
    {
      id: "completions.stopped-is-cut",
      description: "a text that ended at a stop sequence ends with `length`",
      intended: ["completions.stop.finish-reason"],
    },
    (choice) => ({ ...choice, finish_reason: "length" }),
  ),
];

const refusalMutants: readonly Mutant[] = [
  accept(
    {
      id: "completions.prompt-of-anything",
      description: "an object is printed and gone on with",
      intended: ["completions.refusal.prompt-type"],
    },
    (body) =>
      typeof body["prompt"] === "object" && body["prompt"] !== null && !Array.isArray(body["prompt"])
        ? { ...body, prompt: JSON.stringify(body["prompt"]) }
        : body,
  ),
  accept(
    {
      id: "completions.temperature-clamped",
      description: "a temperature above 2 is taken for 2",
      intended: ["completions.refusal.temperature-range"],
    },
    (body) => (Number(body["temperature"]) > 2 ? { ...body, temperature: 2 } : body),
  ),
  {
    id: "completions.temperature-unnamed",
    description: "the refusal of a temperature names no parameter",
    intended: ["completions.refusal.temperature-param"],
    mutate: ({ judgeText }) => ({
      judgeText: (body) => (Number(body["temperature"]) > 2 ? makeRefusal("invalid_value") : judgeText(body)),
    }),
  },
  accept(
    {
      id: "completions.logprobs-clamped",
      description: "a million `logprobs` are taken for five",
      intended: ["completions.refusal.logprobs-range"],
    },
    (body) => (Number(body["logprobs"]) > 5 ? { ...body, logprobs: 5 } : body),
  ),
  accept(
    {
      id: "completions.best-of-raised",
      description: "`best_of` below `n` is taken for `n`",
      intended: ["completions.refusal.best-of-below-n"],
    },
    (body) => (Number(body["best_of"]) < Number(body["n"]) ? { ...body, best_of: body["n"] } : body),
  ),
  accept(
    {
      id: "completions.best-of-streamed",
      description: "the first of several is streamed for the best",
      intended: ["completions.refusal.best-of-stream"],
    },
    (body) => (body["stream"] === true ? omit(body, "best_of") : body),
  ),
  accept(
    {
      id: "completions.any-model",
      description: "an unknown model is taken for the usual one",
      intended: ["completions.refusal.unknown-model"],
    },
    (body) => (body["model"] === "conformance-no-such-model" ? { ...body, model: "reference-chat" } : body),
  ),
  accept(
    {
      id: "completions.cut-in-silence",
      description: "a long prompt loses its beginning",
      intended: ["completions.refusal.too-long"],
    },
    (body) => ({
      ...body,
      ...(typeof body["prompt"] === "string" ? { prompt: body["prompt"].slice(-10_000) } : {}),
    }),
  ),
  refuse(
    {
      id: "completions.too-long-is-invalid",
      description: "the refusal of a long prompt does not say that it is too long",
      intended: ["completions.refusal.too-long"],
    },
    "prompt",
    (body) => typeof body["prompt"] === "string" && body["prompt"].length > 10_000,
  ),
];

export const completionMutants: readonly Mutant[] = [
  ...shapeMutants,
  ...promptMutants,
  ...limitMutants,
  ...refusalMutants,
];
