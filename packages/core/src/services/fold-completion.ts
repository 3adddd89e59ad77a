/** The non-streaming completion as a fold of the stream, as with a chat. */

import { AiError } from "../ai-error.ts";
import type { FinishReason, PromptLogprob } from "../engine/chat-engine.ts";
import type { ChatUsage } from "./chat-request.ts";
import type { CompletionEvent } from "./completion-request.ts";

export interface CompletionChoice {
  readonly index: number;
  /** With its prompt in front, where that was asked for. */
  readonly text: string;
  /** Of all tokens of the text; null when none were asked for. */
  readonly logprobs: readonly PromptLogprob[] | null;
  readonly finishReason: FinishReason;
}

export interface CompletionResult {
  /** In order of index. */
  readonly choices: readonly CompletionChoice[];
  readonly usage: ChatUsage;
}

/** @throws AiError whatever the stream throws; `engine_failed` when it ends without `completion-end` */
export async function foldCompletionEvents(events: AsyncIterable<CompletionEvent>): Promise<CompletionResult> {
  const texts = new Map<number, string[]>();
  const logprobs = new Map<number, PromptLogprob[]>();
  const choices: CompletionChoice[] = [];
  let usage: ChatUsage | null = null;
  for await (const event of events) {
    switch (event.type) {
      case "prompt-delta":
      case "text-delta":
        addTo(texts, event.index, [event.text]);
        if (event.logprobs !== null) addTo(logprobs, event.index, event.logprobs);
        break;
      case "choice-end": {
        const { index, finishReason } = event;
        const text = (texts.get(index) ?? []).join("");
        choices.push({ index, finishReason, text, logprobs: logprobs.get(index) ?? null });
        break;
      }
      case "completion-end":
        // Not the end yet: the call is still to be settled.
        usage = event.usage;
    }
  }
  if (usage !== null) return { choices: choices.toSorted((left, right) => left.index - right.index), usage };
  throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
}

function addTo<Item>(lists: Map<number, Item[]>, index: number, items: readonly Item[]): void {
  const list = lists.get(index);
  if (list === undefined) lists.set(index, [...items]);
  else list.push(...items);
}
