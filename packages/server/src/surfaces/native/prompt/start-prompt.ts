/**
 * Starts the chat behind a prompt: by a local engine or an upstream, decoded and served as `POST /chat/completions`.
 * What comes out is the same for both.
 */

import { chatCalls } from "@openai-compat/core";
import type { AiService, ChatUsage, TaskStore } from "@openai-compat/core";
import type { PromptInput, PromptUsage } from "@openai-compat/spec";
import { decodeChatCompletion } from "../../openai/chat-completions/decode.ts";
import { decodeUpstreamChat } from "../../openai/chat-completions/decode-upstream.ts";
import { FINISH_REASONS } from "../../openai/chat-completions/encode-finish-reason.ts";
import type { NativeCall } from "../native-handlers.ts";
import { prepareUpstream } from "../../openai/upstream/prepare-upstream.ts";
import { renameParam } from "../rename-param.ts";
import { findTask } from "../tasks/task-handlers.ts";
import { applyTask } from "./apply-task.ts";
import { encodeChatBody, listFieldNames } from "./encode-chat-body.ts";
import type { AnswerEvent } from "../../openai/upstream/answer-event.ts";
import { readChatAnswer } from "../../openai/upstream/read-chat-answer.ts";
import type { PromptDelta, PromptRun } from "./prompt-run.ts";

export interface PromptScope extends NativeCall {
  readonly service: AiService;
  readonly tasks: TaskStore;
  readonly stream: boolean;
}

/** @throws AiError what refuses a chat completion, `param` naming a field of the input */
export async function startPrompt(input: PromptInput, scope: PromptScope): Promise<PromptRun> {
  const { service, tasks, authorised, stream } = scope;
  const { accountId } = authorised.principal;
  const { task: id } = input;
  const task = id === undefined ? null : await findTask(tasks, accountId, { id, param: "task" });
  const resolved = applyTask(input, task);
  const body = encodeChatBody(resolved, stream);
  const routed = service.route(authorised, chatCalls, body.model);
  try {
    if (routed.route === "local") return describeRun(await routed.run(decodeChatCompletion(body).request));
    const run = await routed.run(await prepareUpstream(body, decodeUpstreamChat, scope));
    return describeRun(await readChatAnswer(run));
  } catch (thrown) {
    throw renameParam(thrown, listFieldNames(resolved));
  }
}

interface Answering {
  readonly id: string;
  readonly modelId: string;
  readonly events: AsyncIterable<AnswerEvent>;
}

function describeRun({ id, modelId, events }: Answering): PromptRun {
  return { id, modelId, events: mapAnswerEvents(events) };
}

const PROMPT_REASONS = { ...FINISH_REASONS, "content-filter": "content_filter" } as const;

/** Not a generator: one that was never started would not close the chat's events. */
function mapAnswerEvents(events: AsyncIterable<AnswerEvent>): AsyncIterableIterator<PromptDelta> {
  const iterator = events[Symbol.asyncIterator]();
  let finishReason: (typeof PROMPT_REASONS)[keyof typeof PROMPT_REASONS] = "stop";
  const mapped: AsyncIterableIterator<PromptDelta> = {
    async next() {
      for (;;) {
        const { done, value: event } = await iterator.next();
        if (done === true) return { done, value: undefined };
        if (event.type === "choice-end") finishReason = PROMPT_REASONS[event.finishReason];
        else if (event.type === "chat-end")
          return { value: { type: "end", finishReason, usage: mapUsage(event.usage) } };
        else if (isDelta(event)) return { value: mapDelta(event) };
      }
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => mapped,
  };
  return mapped;
}

type DeltaType = "reasoning-delta" | "text-delta" | "tool-call-start" | "tool-call-delta";

/** A prompt has no words for a refusal; a text of nothing carries probabilities, which it has no words for either. */
function isDelta(event: AnswerEvent): event is Extract<AnswerEvent, { type: DeltaType }> {
  if (event.type === "text-delta") return event.text !== "";
  return event.type !== "choice-start" && event.type !== "refusal-delta";
}

function mapDelta(event: Extract<AnswerEvent, { type: DeltaType }>): PromptDelta {
  switch (event.type) {
    case "reasoning-delta":
    case "text-delta":
      return { type: event.type, text: event.text };
    case "tool-call-start": {
      const { type, callIndex: index, id, kind, name } = event;
      return { type, index, id, kind, name };
    }
    case "tool-call-delta":
      return { type: event.type, index: event.callIndex, text: event.text };
  }
}

function mapUsage({ promptTokens, completionTokens, cachedTokens, reasoningTokens }: ChatUsage): PromptUsage {
  return { inputTokens: promptTokens, outputTokens: completionTokens, cachedTokens, reasoningTokens };
}
