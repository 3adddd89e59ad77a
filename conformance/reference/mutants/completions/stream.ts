/** Defects of streamed plain completions, and of the log probabilities of both kinds of answer. */

import { encodeTextChunks, type TextCompletion, type TextCompletionChoice } from "../../operations/text-answer.ts";
import type { LegacyLogprobs } from "../../logprobs.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import { wantsUsage } from "../../operations/create-chat-completion.ts";
import {
  afterAll,
  isStream,
  type Mutant,
  mutateOperation,
  mutateReply,
  type Naming,
  omit,
  oneWrite,
  parseSent,
  readReply,
  withHeader,
} from "../mutant.ts";
import { lose, mutateTextChoice } from "./changes.ts";

type Events = readonly TextCompletion[];

/** Changes the events of a stream. */
function mutateEvents(naming: Naming, change: (events: Events, body: ChatBody) => readonly unknown[]): Mutant {
  return mutateOperation(naming, "createCompletion", () => ({
    encodeStream: (answer) => change(encodeTextChunks(answer, wantsUsage(answer.request)), answer.request),
  }));
}

/** Changes each choice of each event. */
function mutateEventChoice(naming: Naming, change: (choice: TextCompletionChoice) => object): Mutant {
  return mutateEvents(naming, (events) =>
    events.map((event) => ({ ...event, choices: event.choices.map((choice) => change(choice)) })),
  );
}

/** Changes the log probabilities of non-streaming answers; those of a stream stay. */
function mutateLogprobs(naming: Naming, change: (logprobs: LegacyLogprobs, body: ChatBody) => object | null): Mutant {
  return mutateTextChoice(naming, (choice, body) => ({
    ...choice,
    logprobs: choice.logprobs === null ? null : change(choice.logprobs, body),
  }));
}

export const completionStreamMutants: readonly Mutant[] = [
  mutateReply(
    {
      id: "completions.stream.content-type",
      description: "a stream is declared as NDJSON",
      intended: ["completions.stream.content-type"],
    },
    (reply, call) => isStream(reply) && call.operation === "createCompletion",
    (reply) => withHeader(reply, "content-type", "application/x-ndjson"),
  ),
  mutateReply(
    {
      id: "completions.stream.is-json",
      description: "`stream: true` is answered with one JSON body under the stream's content type",
      intended: ["completions.stream.done", "completions.stream.sdk-reads"],
    },
    (reply, call) => isStream(reply) && call.operation === "createCompletion",
    () => ({ writes: oneWrite('{"object":"text_completion","choices":[]}') }),
  ),
  mutateReply(
    {
      id: "completions.stream.no-done",
      description: "a stream ends without its sentinel",
      intended: ["completions.stream.done"],
    },
    (reply, call) => isStream(reply) && call.operation === "createCompletion",
    (reply) => ({ writes: oneWrite(readReply(reply).replace("data: [DONE]\n\n", "")) }),
  ),
  mutateReply(
    {
      id: "completions.stream.buffered",
      description: "all events are sent at once",
      intended: ["completions.stream.flushed"],
    },
    (reply, call) => isStream(reply) && call.operation === "createCompletion" && parseSent(call)["max_tokens"] === 48,
    (reply) => ({ writes: afterAll(reply) }),
  ),
  mutateEvents(
    {
      id: "completions.stream.choices-null",
      description: "the usage event has `choices: null`",
      intended: ["completions.stream.choices-array", "completions.stream.usage", "completions.stream.usage-alone"],
    },
    (events) => events.map((event) => (event.choices.length === 0 ? { ...event, choices: null } : event)),
  ),
  mutateEvents(
    {
      id: "completions.stream.object-of-chunk",
      description: "`object` is that of a chunk",
      intended: ["completions.stream.object"],
    },
    (events) => events.map((event) => ({ ...event, object: "text_completion.chunk" })),
  ),
  mutateEvents(
    {
      id: "completions.stream.no-model",
      description: "events name no model",
      intended: ["completions.stream.shape"],
    },
    (events) => events.map((event) => omit(event, "model")),
  ),
  mutateEvents(
    {
      id: "completions.stream.id-changes",
      description: "each event has another id",
      intended: ["completions.stream.same-id"],
    },
    (events) => events.map((event, position) => ({ ...event, id: `${event.id}-${position}` })),
  ),
  mutateEvents(
    {
      id: "completions.stream.word-lost",
      description: "the third event is lost",
      intended: ["completions.stream.equals-one-shot"],
    },
    (events, body) => (body["echo"] === true ? events : events.filter((_, position) => position !== 2)),
  ),
  mutateEventChoice(
    {
      id: "completions.stream.no-finish",
      description: "no event has a finish_reason",
      intended: ["completions.stream.finish-once", "completions.stream.prompts"],
    },
    (choice) => ({ ...choice, finish_reason: null }),
  ),
  mutateEventChoice(
    {
      id: "completions.stream.finish-everywhere",
      description: "each event has a finish_reason",
      intended: ["completions.stream.finish-once", "completions.stream.prompts"],
    },
    (choice) => ({ ...choice, finish_reason: "length" }),
  ),
  mutateEvents(
    {
      id: "completions.stream.no-usage",
      description: "`include_usage` is ignored",
      intended: ["completions.stream.usage"],
    },
    (events) => events.filter(({ choices }) => choices.length > 0),
  ),
  mutateEvents(
    {
      id: "completions.stream.usage-with-choice",
      description: "the usage comes with the last choice",
      intended: ["completions.stream.usage-alone"],
    },
    (events) => {
      const usage = events.at(-1)?.usage;
      const full = events.filter(({ choices }) => choices.length > 0);
      if (full.length === events.length) return events;
      return full.map((event, position) => (position === full.length - 1 ? { ...event, usage } : event));
    },
  ),
  mutateEventChoice(
    {
      id: "completions.stream.last-without-text",
      description: "the event that ends the text has none",
      intended: ["completions.stream.text-string"],
    },
    (choice) => (choice.finish_reason === null ? choice : omit(choice, "text")),
  ),
  mutateEvents(
    {
      id: "completions.stream.always-usage",
      description: "every stream ends with an event without choices",
      intended: ["completions.stream.usage-only-when-asked"],
    },
    (events) => {
      const last = events.at(-1);
      return last === undefined || last.choices.length === 0 ? events : [...events, { ...last, choices: [] }];
    },
  ),
  mutateEvents(
    {
      id: "completions.stream.prompts-null-event",
      description: "a stream of several prompts begins with an event that is null",
      intended: ["completions.stream.prompts"],
    },
    (events, { prompt }) => (Array.isArray(prompt) && prompt.length > 1 ? [null, ...events] : events),
  ),
  mutateEventChoice(
    {
      id: "completions.stream.index-zero",
      description: "the texts of all prompts have the index 0",
      intended: ["completions.stream.prompts"],
    },
    (choice) => ({ ...choice, index: 0 }),
  ),
  lose(
    {
      id: "completions.stream.echo-ignored",
      description: "`echo` is ignored in a stream",
      intended: ["completions.stream.echo"],
    },
    (body) => (body["stream"] === true ? omit(body, "echo") : body),
  ),
  mutateEventChoice(
    {
      id: "completions.stream.no-logprobs",
      description: "`logprobs` is ignored in a stream",
      intended: ["completions.stream.logprobs"],
    },
    (choice) => ({ ...choice, logprobs: null }),
  ),
];

export const completionLogprobMutants: readonly Mutant[] = [
  mutateLogprobs(
    {
      id: "completions.logprobs.ignored",
      description: "`logprobs` is ignored",
      intended: ["completions.logprobs.given"],
    },
    () => null,
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.of-chat",
      description: "log probabilities have the format of a chat's",
      intended: ["completions.logprobs.given", "completions.logprobs.zero"],
    },
    ({ tokens, token_logprobs: values }) => ({
      content: tokens.map((token, position) => ({ token, logprob: values[position], bytes: null, top_logprobs: [] })),
    }),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.no-offsets",
      description: "`text_offset` is empty",
      intended: ["completions.logprobs.given"],
    },
    (logprobs) => ({ ...logprobs, text_offset: [] }),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.trimmed",
      description: "tokens have lost their blanks",
      intended: ["completions.logprobs.echoed-tokens", "completions.logprobs.tokens-are-the-text"],
    },
    ({ tokens, ...rest }) => {
      const trimmed = tokens.map((token) => token.trim());
      const offsets = trimmed.map((_, position) => trimmed.slice(0, position).join("").length);
      return { ...rest, tokens: trimmed, text_offset: offsets };
    },
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.probabilities",
      description: "probabilities stand in the place of their logarithms",
      intended: ["completions.logprobs.range"],
    },
    (logprobs, body) => ({
      ...logprobs,
      token_logprobs:
        body["echo"] === true ? logprobs.token_logprobs : logprobs.token_logprobs.map((value) => Math.exp(value ?? 0)),
    }),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.offsets-in-tokens",
      description: "`text_offset` counts tokens",
      intended: ["completions.logprobs.offsets"],
    },
    (logprobs) => ({ ...logprobs, text_offset: logprobs.tokens.map((_, position) => position) }),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.one-top",
      description: "only the likeliest token is given",
      intended: ["completions.logprobs.top"],
    },
    (logprobs) => ({
      ...logprobs,
      top_logprobs: logprobs.top_logprobs.map((top) => Object.fromEntries(Object.entries(top ?? {}).slice(0, 1))),
    }),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.zero-is-none",
      description: "`logprobs: 0` is taken for none",
      intended: ["completions.logprobs.zero"],
    },
    (logprobs, body) => (body["logprobs"] === 0 ? null : logprobs),
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.of-text-only",
      description: "the tokens of an echoed prompt are left out",
      intended: ["completions.logprobs.echoed-first-null", "completions.logprobs.echoed-tokens"],
    },
    (logprobs, body) =>
      body["echo"] === true
        ? Object.fromEntries(
            Object.entries(logprobs).map(([name, list]: [string, readonly unknown[]]) => [name, list.slice(-8)]),
          )
        : logprobs,
  ),
  mutateLogprobs(
    {
      id: "completions.logprobs.first-is-zero",
      description: "the first token of a prompt is given as certain",
      intended: ["completions.logprobs.echoed-first-null"],
    },
    (logprobs) => ({ ...logprobs, token_logprobs: logprobs.token_logprobs.map((value) => value ?? 0) }),
  ),
];
