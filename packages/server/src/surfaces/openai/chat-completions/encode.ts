/** A whole chat to OpenAI's `chat.completion` object. */

import type { ChatResult, ChatRun, ChatUsage } from "@openai-compat/core";
import type { CompletionUsage, CreateChatCompletionResponse } from "@openai-compat/spec";

export function encodeChatCompletion(run: ChatRun, result: ChatResult): CreateChatCompletionResponse {
  return {
    id: run.id,
    object: "chat.completion",
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
    choices: result.choices.map((choice) => ({
      index: choice.index,
      message: { role: "assistant", content: choice.text, refusal: null, annotations: [] },
      logprobs: null,
      finish_reason: choice.finishReason,
    })),
    usage: encodeUsage(result.usage),
  };
}

export function encodeUsage(usage: ChatUsage): CompletionUsage {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
  };
}
