/** What a response has used, in OpenAI's shape. */

import type { ChatUsage } from "@openai-compat/core";
import type { ResponseUsage } from "@openai-compat/spec";

export function encodeResponseUsage(usage: ChatUsage): ResponseUsage {
  return {
    input_tokens: usage.promptTokens,
    input_tokens_details: { cached_tokens: usage.cachedTokens, cache_write_tokens: 0 },
    output_tokens: usage.completionTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: usage.promptTokens + usage.completionTokens,
  };
}
