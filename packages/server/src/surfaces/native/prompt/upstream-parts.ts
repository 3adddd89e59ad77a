/** What an upstream's whole answer and its chunks have in common. */

import { AiError } from "@openai-compat/core";
import type { CompletionUsage, CreateChatCompletionStreamResponse, PromptUsage } from "@openai-compat/spec";

export type UpstreamChunk = CreateChatCompletionStreamResponse;

/** Servers of open models send it beside the content, under one of two names. */
export function readReasoning(message: object): string {
  for (const name of ["reasoning_content", "reasoning"]) {
    const value: unknown = Reflect.get(message, name);
    if (typeof value === "string") return value;
  }
  return "";
}

export function mapUpstreamUsage(usage: CompletionUsage | null | undefined): PromptUsage {
  return {
    inputTokens: usage?.prompt_tokens ?? 0,
    outputTokens: usage?.completion_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}

export function notAnswered(): AiError {
  return new AiError("upstream_failed", "The upstream's answer ended before it was complete. Please try again.");
}
