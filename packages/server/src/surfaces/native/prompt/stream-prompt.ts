/** A prompt as a subscription: its events, each with an id. */

import { randomUUID } from "node:crypto";
import type { PromptEvent, PromptInput } from "@openai-compat/spec";
import type { IdentifiedEvent } from "../native-handlers.ts";
import { startPrompt } from "./start-prompt.ts";
import type { PromptRun } from "./prompt-run.ts";
import type { PromptScope } from "./start-prompt.ts";

/** Resolves once the call is admitted. @throws AiError as `startPrompt` */
export async function streamPrompt(
  input: PromptInput,
  scope: PromptScope,
): Promise<AsyncIterable<IdentifiedEvent<PromptEvent>>> {
  return identify(`run_${randomUUID()}`, await startPrompt(input, scope));
}

/** Not a generator: one that was never started would not close the prompt. */
function identify(runId: string, run: PromptRun): AsyncIterableIterator<IdentifiedEvent<PromptEvent>> {
  const iterator = run.events[Symbol.asyncIterator]();
  let count = 0;
  const identified: AsyncIterableIterator<IdentifiedEvent<PromptEvent>> = {
    async next() {
      const id = `${runId}:${count}`;
      count += 1;
      if (count === 1) return { value: { id, event: { type: "start", id: runId, modelId: run.modelId } } };
      const { done, value: event } = await iterator.next();
      return done === true ? { done, value: undefined } : { value: { id, event } };
    },
    async return() {
      await iterator.return?.();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => identified,
  };
  return identified;
}
