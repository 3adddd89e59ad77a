/**
 * Chat events to OpenAI's `chat.completion.chunk` events. Each choice starts with its role and ends with its finish
 * reason; usage comes last, in a chunk without choices, where it was asked for.
 */

import { randomBytes } from "node:crypto";
import { toAiError } from "@openai-compat/core";
import type { AiError, ChatEvent, ChatRun } from "@openai-compat/core";
import type { CreateChatCompletionStreamResponse } from "@openai-compat/spec";
import { encodeErrorEnvelope } from "../../../http/encode-error.ts";
import { SSE_DONE, encodeSseEvent } from "../../../http/sse.ts";
import { encodeUsage } from "./encode.ts";
import { FINISH_REASONS } from "./encode-finish-reason.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

type Chunk = CreateChatCompletionStreamResponse;
/** `reasoning_content` is no field of OpenAI's, but what clients of open models read thoughts from. */
type Delta = Chunk["choices"][number]["delta"] & { readonly reasoning_content?: string };

export interface ChatStreamOptions {
  /** Whether a last chunk carries the usage; the others then say `usage: null`. */
  readonly includeUsage: boolean;
  /** Whether chunks are padded, so that an observer of packet sizes can't guess the words. */
  readonly includeObfuscation: boolean;
  /** Whether the answer may have no content: then it is null from the start, as in a one-shot answer. */
  readonly mayCallTools: boolean;
}

/**
 * Encoded server-sent events. A failure after the first becomes an event with the error envelope, and no `[DONE]`
 * follows it: a stream that broke must not look whole. `onError` is told of it.
 */
export async function* encodeChatCompletionStream(
  run: ChatRun,
  options: ChatStreamOptions,
  { signal, onError }: { readonly signal: AbortSignal; readonly onError: (error: AiError) => void },
): AsyncGenerator<string, void> {
  try {
    for await (const event of run.events) {
      const chunk = encodeChunk(run, event, options);
      if (chunk !== null) yield encodeSseEvent(chunk);
    }
    yield SSE_DONE;
  } catch (thrown) {
    const error = toAiError(thrown, signal);
    onError(error);
    yield encodeSseEvent(encodeErrorEnvelope(error));
  }
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
      const { callIndex, id, name } = event;
      return { tool_calls: [{ index: callIndex, id, type: "function", function: { name, arguments: "" } }] };
    }
    case "tool-call-delta":
      return { tool_calls: [{ index: event.callIndex, function: { arguments: event.text } }] };
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

const PADDED_LENGTH = 32;

/** Random text that fills a delta up to a multiple of 32 bytes. */
function createPadding(content: string): string {
  const length = PADDED_LENGTH - (Buffer.byteLength(content) % PADDED_LENGTH);
  return randomBytes(length).toString("base64url").slice(0, length);
}
