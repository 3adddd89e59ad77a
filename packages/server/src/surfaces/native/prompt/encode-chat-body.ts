/** A prompt as the body of a chat completion, so that both are decoded, bounded and served in one way. */

import type { CreateChatCompletionRequest, PromptFormat } from "@openai-compat/spec";
import type { FieldNames } from "../rename-param.ts";
import type { ResolvedPrompt } from "./apply-task.ts";

export function encodeChatBody(input: ResolvedPrompt, stream: boolean): CreateChatCompletionRequest {
  return {
    model: input.model,
    messages: input.messages,
    max_completion_tokens: input.maxOutputTokens,
    temperature: input.temperature,
    top_p: input.topP,
    stop: input.stop,
    seed: input.seed,
    response_format: input.format === undefined ? undefined : encodeFormat(input.format),
    tools: input.tools,
    tool_choice: input.toolChoice,
    parallel_tool_calls: input.parallelToolCalls,
    reasoning_effort: input.reasoningEffort,
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
  };
}

const SCHEMA_NAME = "answer";

function encodeFormat(format: PromptFormat): NonNullable<CreateChatCompletionRequest["response_format"]> {
  if (format === "text") return { type: "text" };
  if (format === "json") return { type: "json_object" };
  const { schema, strict = true } = format;
  return { type: "json_schema", json_schema: { name: SCHEMA_NAME, schema, strict } };
}

const FIELD_NAMES: FieldNames = [
  ["response_format.json_schema.schema", "format.schema"],
  ["response_format", "format"],
  ["max_completion_tokens", "maxOutputTokens"],
  ["top_p", "topP"],
  ["tool_choice", "toolChoice"],
  ["parallel_tool_calls", "parallelToolCalls"],
  ["reasoning_effort", "reasoningEffort"],
];

/** What the fields of the body are called in the input that it was made of. */
export function listFieldNames({ prompt, taskMessages, messages }: ResolvedPrompt): FieldNames {
  if (prompt !== undefined) {
    return [...FIELD_NAMES, [`messages[${taskMessages}].content`, "prompt"], ["messages", "prompt"]];
  }
  if (taskMessages === 0) return FIELD_NAMES;
  const own = messages.slice(taskMessages).map((_, index) => index);
  return [...FIELD_NAMES, ...own.map((index) => [`messages[${index + taskMessages}]`, `messages[${index}]`] as const)];
}
