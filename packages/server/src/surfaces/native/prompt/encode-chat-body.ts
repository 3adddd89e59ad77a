/** A prompt as the body of a chat completion, so that both are decoded, bounded and served in one way. */

import { AiError } from "@openai-compat/core";
import type { CreateChatCompletionRequest, PromptFormat, PromptInput, RequestMessage } from "@openai-compat/spec";

/** @throws AiError where neither messages nor a prompt is given, or both */
export function encodeChatBody(input: PromptInput, stream: boolean): CreateChatCompletionRequest {
  const body: CreateChatCompletionRequest = {
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
  // An upstream gets what was asked for, and nothing of what was left out.
  return body;
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

/** What the fields of a chat completion are called here, the longer names first. */
const FIELDS: readonly (readonly [wire: string, native: string])[] = [
  ["response_format.json_schema.schema", "format.schema"],
  ["response_format", "format"],
  ["max_completion_tokens", "maxOutputTokens"],
  ["top_p", "topP"],
  ["tool_choice", "toolChoice"],
  ["parallel_tool_calls", "parallelToolCalls"],
  ["reasoning_effort", "reasoningEffort"],
];

/** What is wrong with the body, in the words of the input that it was made of. */
export function renameParam(error: AiError, { prompt }: PromptInput): AiError {
  const { code, param, message, cause, retryAfterMs } = error;
  if (param === null) return error;
  const fields = prompt === undefined ? FIELDS : [...FIELDS, ["messages", "prompt"] as const];
  const found = fields.find(
    ([wire]) => param === wire || (/^[.[]/.test(param.slice(wire.length)) && param.startsWith(wire)),
  );
  if (found === undefined) return error;
  const [wire, native] = found;
  const renamed = wire === "messages" ? native : `${native}${param.slice(wire.length)}`;
  return new AiError(code, message.replaceAll(`'${param}'`, `'${renamed}'`), {
    param: renamed,
    cause,
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}
