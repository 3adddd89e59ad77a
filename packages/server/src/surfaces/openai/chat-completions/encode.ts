/** A whole chat to OpenAI's `chat.completion` object. */

import type { ChatChoice, ChatResult, ChatRun } from "@openai-compat/core";
import type { CreateChatCompletionResponse } from "@openai-compat/spec";
import { encodeUsage } from "../encode-usage.ts";
import { FINISH_REASONS } from "./encode-finish-reason.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

export interface ChatAnswerOptions {
  /** Whether log probabilities were asked for: an answer without text then has none, in a list. */
  readonly hasLogprobs: boolean;
}

export function encodeChatCompletion(
  run: ChatRun,
  result: ChatResult,
  { hasLogprobs }: ChatAnswerOptions,
): CreateChatCompletionResponse {
  return {
    id: run.id,
    object: "chat.completion",
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
    choices: result.choices.map((choice) => ({
      index: choice.index,
      message: encodeMessage(choice),
      logprobs: encodeLogprobs(choice.logprobs ?? (hasLogprobs ? [] : null)),
      finish_reason: FINISH_REASONS[choice.finishReason],
    })),
    usage: encodeUsage(result.usage),
  };
}

type Message = CreateChatCompletionResponse["choices"][number]["message"];

/** `reasoning_content` is no field of OpenAI's, but what clients of open models read thoughts from. */
function encodeMessage({ text, reasoning, toolCalls }: ChatChoice): Message {
  return {
    role: "assistant",
    content: text === "" && toolCalls.length > 0 ? null : text,
    refusal: null,
    annotations: [],
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map((call) => ({
            id: call.id,
            type: "function",
            function: { name: call.name, arguments: call.arguments },
          })),
        }),
  };
}
