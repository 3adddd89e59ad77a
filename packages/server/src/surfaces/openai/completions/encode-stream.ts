/**
 * Completion events to OpenAI's `text_completion` events. Each choice ends with an event that has its finish reason and
 * no text; usage comes last, in an event without choices, where it was asked for.
 */

import type { CompletionEvent, CompletionRun } from "@openai-compat/core";
import type { CreateCompletionStreamResponse } from "@openai-compat/spec";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { encodeSseEvent } from "../../../http/sse.ts";
import type { StreamOptions } from "../decode-stream-options.ts";
import { COMPLETION_STREAM, createPadding } from "../protocol/event-streams.ts";
import type { StreamEnding } from "../protocol/event-streams.ts";
import { encodeUsage } from "../encode-usage.ts";
import { encodeBase, encodeFinishReason } from "./encode.ts";
import { countCharacters, encodeLogprobs } from "./encode-logprobs.ts";

type Chunk = CreateCompletionStreamResponse & { readonly obfuscation?: string };

/** Encoded server-sent events, as `encodeEventStream`. */
export function encodeCompletionStream(
  run: CompletionRun,
  options: StreamOptions,
  ending: StreamEnding,
): AsyncGenerator<string, void> {
  /** Characters of each choice so far, for the places of its tokens. */
  const written = new Map<number, number>();
  const encodeChoice = (event: Exclude<CompletionEvent, { type: "completion-end" }>): Chunk["choices"][number] => {
    const { index } = event;
    if (event.type === "choice-end") {
      return { text: "", index, logprobs: null, finish_reason: encodeFinishReason(event.finishReason) };
    }
    const before = written.get(index) ?? 0;
    written.set(index, before + countCharacters(event.text));
    return { text: event.text, index, logprobs: encodeLogprobs(event.logprobs, before), finish_reason: null };
  };
  const encodeChunk = (event: CompletionEvent): Chunk | null => {
    if (event.type === "completion-end") {
      return options.includeUsage ? { ...encodeBase(run), choices: [], usage: encodeUsage(event.usage) } : null;
    }
    const choice = encodeChoice(event);
    return {
      ...encodeBase(run),
      choices: [choice],
      ...(options.includeUsage ? { usage: null } : {}),
      ...(options.includeObfuscation ? { obfuscation: createPadding(choice.text) } : {}),
    };
  };
  const encode = (event: CompletionEvent) => {
    const chunk = encodeChunk(event);
    return chunk === null ? null : encodeSseEvent(chunk);
  };
  return encodeEventStream(run.events, encode, { ...ending, protocol: COMPLETION_STREAM });
}
