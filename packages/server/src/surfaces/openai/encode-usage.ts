/** What a chat or a completion has used, in OpenAI's shape. */

import type { ChatUsage } from "@openai-compat/core";
import type { CompletionUsage } from "@openai-compat/spec";

export function encodeUsage(usage: ChatUsage): CompletionUsage {
  return {
    prompt_tokens: usage.promptTokens,
    completion_tokens: usage.completionTokens,
    total_tokens: usage.promptTokens + usage.completionTokens,
    prompt_tokens_details: { cached_tokens: usage.cachedTokens },
    completion_tokens_details: { reasoning_tokens: usage.reasoningTokens },
  };
}
