/** Plain completions of the wrong shape, or of the wrong prompts. */

import { answerText, encodeTextCompletion, type TextCompletion } from "../../operations/text-answer.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { accept, lose, mutateText, mutateTextChoice, refuse } from "./changes.ts";
import { type Mutant, omit } from "../mutant.ts";

function encode(body: ChatBody): TextCompletion {
  return encodeTextCompletion(
    answerText(body, { number: 0, created: Math.floor(Date.now() / 1000), account: "", models: [] }),
  );
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
      choices: completion.choices.map((choice, position) => ({
        ...completion.choices.at(-1 - position),
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

export const completionMutants: readonly Mutant[] = [...shapeMutants, ...promptMutants];
