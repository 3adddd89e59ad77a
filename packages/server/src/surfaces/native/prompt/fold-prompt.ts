/** The answer in one piece as a fold of the streamed one, so that both agree. */

import { AiError } from "@openai-compat/core";
import type { PromptAnswer } from "@openai-compat/spec";
import type { PromptRun } from "./prompt-run.ts";

/** @throws AiError what the events throw; `engine_failed` when they end without `end` */
export async function foldPrompt({ id, modelId, events }: PromptRun): Promise<PromptAnswer> {
  const text: string[] = [];
  const reasoning: string[] = [];
  const calls: (Omit<PromptAnswer["toolCalls"][number], "input"> & { readonly pieces: string[] })[] = [];
  let ending: Pick<PromptAnswer, "finishReason" | "usage"> | null = null;
  for await (const event of events) {
    switch (event.type) {
      case "reasoning-delta":
        reasoning.push(event.text);
        break;
      case "text-delta":
        text.push(event.text);
        break;
      case "tool-call-start":
        calls[event.index] = { id: event.id, kind: event.kind, name: event.name, pieces: [] };
        break;
      case "tool-call-delta":
        calls[event.index]?.pieces.push(event.text);
        break;
      case "end":
        // Not the end yet: the call is still to be settled.
        ending = { finishReason: event.finishReason, usage: event.usage };
    }
  }
  if (ending === null) {
    throw new AiError("engine_failed", "The engine stopped before the answer was complete. Please try again.");
  }
  return {
    id,
    modelId,
    text: text.join(""),
    reasoning: reasoning.length === 0 ? null : reasoning.join(""),
    toolCalls: calls.map(({ pieces, ...call }) => ({ ...call, input: pieces.join("") })),
    ...ending,
  };
}
