/** A prompt as the events of a subscription. */

import type { PromptEvent } from "@openai-compat/spec";
import type { PromptRun } from "./prompt-run.ts";

/** Not a generator: one that was never started would not close the prompt. */
export function streamPrompt(id: string, { modelId, events }: PromptRun): AsyncIterableIterator<PromptEvent> {
  const iterator = events[Symbol.asyncIterator]();
  let start: PromptEvent | null = { type: "start", id, modelId };
  const streamed: AsyncIterableIterator<PromptEvent> = {
    async next() {
      if (start === null) return iterator.next();
      const value = start;
      start = null;
      return { value };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => streamed,
  };
  return streamed;
}
