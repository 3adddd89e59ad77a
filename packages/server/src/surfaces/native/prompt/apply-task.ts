/** A prompt for a task: what the task says comes first. */

import { AiError } from "@openai-compat/core";
import type { StoredTask } from "@openai-compat/core";
import type { PromptInput, RequestMessage } from "@openai-compat/spec";

/** A prompt whose messages and model are known. */
export interface ResolvedPrompt extends PromptInput {
  readonly model: string;
  readonly messages: RequestMessage[];
  /** How many of the messages are not the caller's own. */
  readonly taskMessages: number;
}

/** @throws AiError where neither messages nor a prompt is given, or both */
export function applyTask(input: PromptInput, task: StoredTask | null): ResolvedPrompt {
  const own = listMessages(input);
  const model = input.model ?? task?.modelId ?? "default";
  const before = task === null ? [] : listTaskMessages(task);
  return { ...input, model, messages: [...before, ...own], taskMessages: before.length };
}

function listMessages({ messages, prompt }: PromptInput): readonly RequestMessage[] {
  if (messages !== undefined && prompt !== undefined) {
    throw new AiError("invalid_value", "Invalid 'prompt': send either 'prompt' or 'messages'.", { param: "prompt" });
  }
  if (messages !== undefined) return messages;
  if (prompt !== undefined) return [{ role: "user", content: prompt }];
  throw new AiError("missing_required_parameter", "Missing required parameter: 'messages'.", { param: "messages" });
}

function listTaskMessages({ systemPrompt, examples }: StoredTask): readonly RequestMessage[] {
  const system: readonly RequestMessage[] = systemPrompt === "" ? [] : [{ role: "system", content: systemPrompt }];
  const shown = examples.flatMap(({ prompt, answer }): readonly RequestMessage[] => [
    { role: "user", content: prompt },
    { role: "assistant", content: answer },
  ]);
  return [...system, ...shown];
}
