/** The one-shot answer as a fold of the stream, so that there is one generation path and both answers agree. */

import { AiError } from "../ai-error.ts";
import type { FinishReason } from "../engine/chat-engine.ts";
import type { ChatEvent, ChatUsage } from "./chat-request.ts";

export interface ChatChoice {
  readonly index: number;
  readonly text: string;
  readonly finishReason: FinishReason;
}

export interface ChatResult {
  /** In order of index. */
  readonly choices: readonly ChatChoice[];
  readonly usage: ChatUsage;
}

/**
 * @throws AiError whatever the stream throws; `engine_failed` when it ends without `chat-end`, so that half an answer is
 *   never taken for a whole one.
 */
export async function foldChatEvents(events: AsyncIterable<ChatEvent>): Promise<ChatResult> {
  const texts = new Map<number, string[]>();
  const choices: ChatChoice[] = [];
  let usage: ChatUsage | null = null;
  for await (const event of events) {
    switch (event.type) {
      case "choice-start":
        texts.set(event.index, []);
        break;
      case "text-delta":
        texts.get(event.index)?.push(event.text);
        break;
      case "choice-end":
        choices.push({
          index: event.index,
          text: (texts.get(event.index) ?? []).join(""),
          finishReason: event.finishReason,
        });
        break;
      case "chat-end":
        // Not the end yet: the call is still to be settled, and an answer that can't be charged is none.
        usage = event.usage;
        break;
    }
  }
  if (usage !== null) return { choices: choices.sort((a, b) => a.index - b.index), usage };
  throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
}
