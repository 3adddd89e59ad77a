/** A prompt as the body of a chat completion, so that both are decoded, bounded and served in one way. */

import { AiError } from "@openai-compat/core";
import type { CreateChatCompletionRequest, PromptFormat, PromptInput, RequestMessage } from "@openai-compat/spec";
import type { FieldNames } from "../rename-param.ts";

/** @throws AiError where neither messages nor a prompt is given, or both */
export function encodeChatBody(input: PromptInput, stream: boolean): CreateChatCompletionRequest {
  return {
    model: input.model ?? "default",
    messages: listMessages(input),
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

function listMessages({ messages, prompt }: PromptInput): RequestMessage[] {
  if (messages !== undefined && prompt !== undefined) {
    throw new AiError("invalid_value", "Invalid 'prompt': send either 'prompt' or 'messages'.", { param: "prompt" });
  }
  if (messages !== undefined) return messages;
  if (prompt !== undefined) return [{ role: "user", content: prompt }];
  throw new AiError("missing_required_parameter", "Missing required parameter: 'messages'.", { param: "messages" });
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
export function listFieldNames({ messages }: PromptInput): FieldNames {
  return messages === undefined
    ? [...FIELD_NAMES, ["messages[0].content", "prompt"], ["messages", "prompt"]]
    : FIELD_NAMES;
}
