/** The non-streaming answer as a fold of the stream, so that there is one generation path and both answers agree. */

import { AiError } from "../ai-error.ts";
import type { FinishReason, TokenLogprob } from "../engine/chat-engine.ts";
import type { ChatTool } from "../engine/chat-output.ts";
import type { ChatEvent, ChatUsage } from "./chat-request.ts";

export interface ChoiceToolCall {
  readonly id: string;
  readonly kind: ChatTool["kind"];
  readonly name: string;
  /** The arguments of a function, JSON text as the model wrote it; the input of a custom tool. */
  readonly text: string;
}

export interface ChatChoice {
  readonly index: number;
  /** The model's reasoning; empty when there was none. */
  readonly reasoning: string;
  readonly text: string;
  readonly toolCalls: readonly ChoiceToolCall[];
  /** Null when none were asked for. */
  readonly logprobs: readonly TokenLogprob[] | null;
  readonly finishReason: FinishReason;
}

export interface ChatResult {
  /** In order of index. */
  readonly choices: readonly ChatChoice[];
  readonly usage: ChatUsage;
}

/**
 * @throws AiError whatever the stream throws; `engine_failed` when it ends without `chat-end`, so that half an answer
 *   is never taken for a whole one.
 */
export async function foldChatEvents(events: AsyncIterable<ChatEvent>): Promise<ChatResult> {
  const drafts = new Map<number, Draft>();
  const choices: ChatChoice[] = [];
  let usage: ChatUsage | null = null;
  for await (const event of events) {
    switch (event.type) {
      case "choice-start":
        drafts.set(event.index, createDraft());
        break;
      case "choice-end": {
        const draft = drafts.get(event.index) ?? createDraft();
        choices.push({ index: event.index, finishReason: event.finishReason, ...finishDraft(draft) });
        break;
      }
      case "chat-end":
        // Not the end yet: the call is still to be settled.
        usage = event.usage;
        break;
      case "reasoning-delta":
      case "text-delta":
      case "tool-call-start":
      case "tool-call-delta":
        addToDraft(drafts.get(event.index), event);
    }
  }
  if (usage !== null) return { choices: choices.sort((a, b) => a.index - b.index), usage };
  throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
}

interface Draft {
  readonly reasoning: string[];
  readonly text: string[];
  readonly toolCalls: (Omit<ChoiceToolCall, "text"> & { readonly pieces: string[] })[];
  logprobs: TokenLogprob[] | null;
}

function createDraft(): Draft {
  return { reasoning: [], text: [], toolCalls: [], logprobs: null };
}

type Delta = Extract<ChatEvent, { type: `${string}-delta` | "tool-call-start" }>;

function addToDraft(draft: Draft | undefined, event: Delta): void {
  switch (event.type) {
    case "reasoning-delta":
      draft?.reasoning.push(event.text);
      break;
    case "text-delta":
      draft?.text.push(event.text);
      if (draft !== undefined && event.logprobs !== null) (draft.logprobs ??= []).push(...event.logprobs);
      break;
    case "tool-call-start":
      draft?.toolCalls.push({ id: event.id, kind: event.kind, name: event.name, pieces: [] });
      break;
    case "tool-call-delta":
      draft?.toolCalls[event.callIndex]?.pieces.push(event.text);
      break;
  }
}

function finishDraft({ reasoning, text, toolCalls, logprobs }: Draft): Omit<ChatChoice, "index" | "finishReason"> {
  return {
    reasoning: reasoning.join(""),
    text: text.join(""),
    toolCalls: toolCalls.map(({ pieces, ...call }) => ({ ...call, text: pieces.join("") })),
    logprobs,
  };
}
