/**
 * Chat events to OpenAI's `chat.completion.chunk` events. Each choice starts with its role and ends with its finish
 * reason; usage comes last, in a chunk without choices, where it was asked for.
 */

import { toAiError } from "@openai-compat/core";
import type { ChatEvent, ChatRun } from "@openai-compat/core";
import type { ChatCompletionChunk } from "@openai-compat/spec";
import { encodeErrorEnvelope } from "../../../http/encode-error.ts";
import { SSE_DONE, encodeSseEvent } from "../../../http/sse.ts";
import { encodeUsage } from "./encode.ts";

export interface ChatStreamOptions {
  readonly includeUsage: boolean;
}

/**
 * Encoded server-sent events. A failure after the first becomes an event with the error envelope, and no `[DONE]`
 * follows it: a stream that broke must not look whole.
 */
export async function* encodeChatCompletionStream(
  run: ChatRun,
  options: ChatStreamOptions,
  signal: AbortSignal,
): AsyncGenerator<string, void> {
  try {
    for await (const event of run.events) {
      const chunk = encodeChunk(run, event, options);
      if (chunk !== null) yield encodeSseEvent(chunk);
    }
    yield SSE_DONE;
  } catch (thrown) {
    yield encodeSseEvent(encodeErrorEnvelope(toAiError(thrown, signal)));
  }
}

function encodeChunk(run: ChatRun, event: ChatEvent, options: ChatStreamOptions): ChatCompletionChunk | null {
  const base = {
    id: run.id,
    object: "chat.completion.chunk" as const,
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
  };
  const usage = options.includeUsage ? { usage: null } : {};
  switch (event.type) {
    case "choice-start": {
      const delta = { role: "assistant" as const, content: "", refusal: null };
      return { ...base, choices: [{ index: event.index, delta, logprobs: null, finish_reason: null }], ...usage };
    }
    case "text-delta": {
      const delta = { content: event.text };
      return { ...base, choices: [{ index: event.index, delta, logprobs: null, finish_reason: null }], ...usage };
    }
    case "choice-end": {
      const finish_reason = event.finishReason;
      return { ...base, choices: [{ index: event.index, delta: {}, logprobs: null, finish_reason }], ...usage };
    }
    case "chat-end":
      return options.includeUsage ? { ...base, choices: [], usage: encodeUsage(event.usage) } : null;
  }
}
