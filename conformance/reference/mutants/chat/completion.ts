/** Defects of non-streaming chat bodies. */

import type { Usage } from "../../operations/chat-answer.ts";
import type { ChatBody } from "../../operations/chat-rules.ts";
import {
  isChat,
  isStream,
  type Mutant,
  mutateChoice,
  mutateCompletion,
  mutateMessage,
  mutateReply,
  oneWrite,
  readReply,
  withHeader,
  omit,
} from "../mutant.ts";

function isPlain(body: ChatBody): boolean {
  return typeof body["n"] !== "number" && ["stop", "tools", "response_format"].every((param) => !body[param]);
}

function mutateUsage(id: string, description: string, intended: string, change: (usage: Usage) => unknown): Mutant {
  return mutateCompletion({ id, description, intended: [intended] }, (completion) => ({
    ...completion,
    usage: change(completion.usage),
  }));
}

export const chatCompletionMutants: readonly Mutant[] = [
  mutateReply(
    {
      id: "completion.glued-sentinel",
      description: "`data: [DONE]` is glued to the JSON body",
      intended: ["chat.completion.answers"],
    },
    (reply, call) => isChat(call) && reply.status === 200 && !isStream(reply),
    (reply) => ({ writes: oneWrite(`${readReply(reply)}data: [DONE]\n\n`) }),
  ),
  mutateReply(
    {
      id: "completion.event-stream-type",
      description: "a JSON body is declared as text/event-stream",
      intended: ["chat.completion.default-is-one-shot"],
    },
    (reply, call) => isChat(call) && reply.status === 200 && !isStream(reply),
    (reply) => withHeader(reply, "content-type", "text/event-stream"),
  ),
  mutateCompletion(
    { id: "completion.id-constant", description: "all answers have one id", intended: ["chat.completion.id"] },
    (completion) => ({ ...completion, id: "chatcmpl-0" }),
  ),
  mutateCompletion(
    {
      id: "completion.object-wrong",
      description: "`object` is that of a legacy completion",
      intended: ["chat.completion.object"],
    },
    (completion) => ({ ...completion, object: "text_completion" }),
  ),
  mutateCompletion(
    {
      id: "completion.created-milliseconds",
      description: "`created` is in milliseconds",
      intended: ["chat.completion.created-seconds"],
    },
    (completion) => ({ ...completion, created: completion.created * 1000 }),
  ),
  mutateCompletion(
    {
      id: "completion.created-fraction",
      description: "`created` has a fraction",
      intended: ["chat.completion.created-seconds"],
    },
    (completion) => ({ ...completion, created: completion.created + 0.5 }),
  ),
  mutateCompletion(
    {
      id: "completion.model-hard-coded",
      description: "`model` is gpt-3.5-turbo always",
      intended: ["chat.completion.model"],
    },
    (completion) => ({ ...completion, model: "gpt-3.5-turbo" }),
  ),
  mutateCompletion(
    { id: "completion.choices-empty", description: "`choices` is empty", intended: ["chat.completion.choices"] },
    (completion, body) => (isPlain(body) ? { ...completion, choices: [] } : completion),
  ),
  mutateCompletion(
    { id: "completion.choice-doubled", description: "one choice too many", intended: ["chat.completion.choices"] },
    (completion, body) =>
      isPlain(body) ? { ...completion, choices: [...completion.choices, ...completion.choices] } : completion,
  ),
  mutateChoice(
    { id: "completion.index-from-one", description: "indices start at 1", intended: ["chat.completion.index"] },
    (choice, body) => (isPlain(body) ? { ...choice, index: 1 } : choice),
  ),
  mutateMessage(
    { id: "completion.role-model", description: 'the role is "model"', intended: ["chat.completion.role"] },
    (message) => ({ ...message, role: "model" }),
  ),
  mutateMessage(
    {
      id: "completion.content-parts",
      description: "the text is an array of parts",
      intended: ["chat.completion.content"],
    },
    ({ content, ...message }) => ({
      ...message,
      content: typeof content === "string" ? [{ type: "text", text: content }] : content,
    }),
  ),
  mutateChoice(
    {
      id: "completion.finish-unknown",
      description: 'finish_reason is "eos_token"',
      intended: ["chat.completion.finish-reason"],
    },
    (choice, body) =>
      isPlain(body) && choice["finish_reason"] === "stop" ? { ...choice, finish_reason: "eos_token" } : choice,
  ),
  mutateMessage(
    { id: "completion.no-refusal", description: "`refusal` is missing", intended: ["chat.completion.refusal-null"] },
    (message) => omit(message, "refusal"),
  ),
  mutateChoice(
    { id: "completion.no-logprobs", description: "`logprobs` is missing", intended: ["chat.completion.logprobs-null"] },
    (choice) => (choice["logprobs"] === null ? omit(choice, "logprobs") : choice),
  ),
  mutateUsage("usage.null", "`usage` is null", "chat.usage.present", () => null),
  mutateUsage("usage.text", "the counts are strings", "chat.usage.present", (usage) => ({
    prompt_tokens: String(usage.prompt_tokens),
    completion_tokens: String(usage.completion_tokens),
    total_tokens: String(usage.total_tokens),
  })),
  mutateUsage("usage.total-wrong", "the total is one too high", "chat.usage.total-is-sum", (usage) => ({
    ...usage,
    total_tokens: usage.total_tokens + 1,
  })),
  mutateUsage("usage.prompt-constant", "the prompt always has 7 tokens", "chat.usage.counts-the-prompt", (usage) => ({
    prompt_tokens: 7,
    completion_tokens: usage.completion_tokens,
    total_tokens: 7 + usage.completion_tokens,
  })),
  mutateUsage("usage.characters", "tokens of the answer are characters", "chat.usage.counts-the-answer", (usage) => ({
    prompt_tokens: usage.prompt_tokens,
    completion_tokens: usage.completion_tokens * 4,
    total_tokens: usage.prompt_tokens + usage.completion_tokens * 4,
  })),
  mutateCompletion(
    {
      id: "completion.details-text",
      description: "the details of `usage` are strings",
      intended: ["chat.completion.schema"],
    },
    (completion) => ({ ...completion, usage: { ...completion.usage, prompt_tokens_details: { cached_tokens: "0" } } }),
  ),
];
