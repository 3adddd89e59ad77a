/**
 * Chat events to OpenAI's `chat.completion.chunk` events. Each choice starts with its role and ends with its finish
 * reason; usage comes last, in a chunk without choices, where it was asked for.
 */

import type { ChatEvent, ChatRun } from "@openai-compat/core";
import type { CreateChatCompletionStreamResponse } from "@openai-compat/spec";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import type { StreamOptions } from "../decode-stream-options.ts";
import { COMPLETION_STREAM, createPadding } from "../protocol/event-streams.ts";
import type { StreamEnding } from "../protocol/event-streams.ts";
import { encodeUsage } from "../encode-usage.ts";
import { FINISH_REASONS } from "./encode-finish-reason.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

type Chunk = CreateChatCompletionStreamResponse;
/** `reasoning_content` is no field of OpenAI's, but what clients of open models read reasoning from. */
type Delta = Chunk["choices"][number]["delta"] & { readonly reasoning_content?: string };

export interface ChatStreamOptions extends StreamOptions {
  /** Whether the answer may have no content: then it is null from the start, as in a non-streaming answer. */
  readonly mayCallTools: boolean;
}

/** Encoded server-sent events, as `encodeEventStream`. */
export function encodeChatCompletionStream(
  run: ChatRun,
  options: ChatStreamOptions,
  ending: StreamEnding,
): AsyncGenerator<string, void> {
  const encode = (event: ChatEvent) => {
    const chunk = encodeChunk(run, event, options);
    return chunk === null ? null : encodeSseEvent(chunk);
  };
  return encodeEventStream(run.events, encode, { ...ending, protocol: COMPLETION_STREAM });
}

function encodeChunk(run: ChatRun, event: ChatEvent, options: ChatStreamOptions): Chunk | null {
  if (event.type === "chat-end") {
    return options.includeUsage ? { ...encodeBase(run), choices: [], usage: encodeUsage(event.usage) } : null;
  }
  return encodeChoice(run, options, {
    index: event.index,
    delta: encodeDelta(event, options),
    logprobs: event.type === "text-delta" ? encodeLogprobs(event.logprobs) : null,
    finish_reason: event.type === "choice-end" ? FINISH_REASONS[event.finishReason] : null,
  });
}

/** Id, type and name of a call come once: clients that watch over its identity fail when a later piece has them too. */
function encodeDelta(event: Exclude<ChatEvent, { type: "chat-end" }>, options: ChatStreamOptions): Delta {
  switch (event.type) {
    case "choice-start":
      return { role: "assistant", content: options.mayCallTools ? null : "", refusal: null };
    case "reasoning-delta":
      return { reasoning_content: event.text };
    case "text-delta":
      return { content: event.text };
    case "tool-call-start": {
      const { callIndex: index, id, kind: type, name } = event;
      const called = type === "custom" ? { custom: { name, input: "" } } : { function: { name, arguments: "" } };
      return { tool_calls: [{ index, id, type, ...called }] };
    }
    case "tool-call-delta": {
      const { callIndex: index, kind, text } = event;
      return {
        tool_calls: [
          { index, ...(kind === "custom" ? { custom: { input: text } } : { function: { arguments: text } }) },
        ],
      };
    }
    case "choice-end":
      return {};
  }
}

/** What all chunks of a stream have in common. */
function encodeBase(run: ChatRun): Pick<Chunk, "id" | "object" | "created" | "model"> {
  return {
    id: run.id,
    object: "chat.completion.chunk",
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
  };
}

function encodeChoice(run: ChatRun, options: ChatStreamOptions, choice: Chunk["choices"][number]): Chunk {
  return {
    ...encodeBase(run),
    choices: [choice],
    ...(options.includeUsage ? { usage: null } : {}),
    ...(options.includeObfuscation ? { obfuscation: createPadding(choice.delta.content ?? "") } : {}),
  };
}
