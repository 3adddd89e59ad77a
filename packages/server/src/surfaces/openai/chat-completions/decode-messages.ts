/**
 * Messages of a chat request to the engine's turns: text parts are joined, `developer` is `system`, a deprecated
 * function call is a tool call. No message is dropped or merged; what is not text is refused by name.
 */

import { AiError, wrapInput } from "@openai-compat/core";
import type { ChatMessage, ChatToolCall } from "@openai-compat/core";
import type { AssistantContentPart, RequestMessage, ToolCall, UserContentPart } from "@openai-compat/spec";
import { unsupportedValue } from "../parameter-rules.ts";

/**
 * @throws AiError `unsupported_value` for images, audio and files; `invalid_value` for a tool's message that answers no
 *   call, and for a call that no message answers.
 */
export function decodeMessages(messages: readonly RequestMessage[]): ChatMessage[] {
  checkToolTurns(messages);
  return messages.map((message, index) => decodeMessage(message, `messages[${index}]`));
}

/** As OpenAI does, in its words: a conversation that was cut in the middle of a call would mislead the model. */
function checkToolTurns(messages: readonly RequestMessage[]): void {
  let open: { readonly index: number; readonly ids: Set<string> } | null = null;
  for (const [index, message] of messages.entries()) {
    if (message.role === "tool") {
      if (open?.ids.delete(message.tool_call_id) === true) continue;
      const rule = "messages with role 'tool' must be a response to a preceding message with 'tool_calls'";
      throw new AiError("invalid_value", `Invalid parameter: ${rule}.`, { param: `messages[${index}].role` });
    }
    requireAnswered(open);
    const calls = message.role === "assistant" ? (message.tool_calls ?? []) : [];
    open = calls.length === 0 ? null : { index, ids: new Set(calls.map(({ id }) => id)) };
  }
  requireAnswered(open);
}

const IDS_SHOWN_MAX = 5;

function requireAnswered(open: { readonly index: number; readonly ids: ReadonlySet<string> } | null): void {
  if (open === null || open.ids.size === 0) return;
  const ids = [...open.ids].slice(0, IDS_SHOWN_MAX).map((id) => id.slice(0, 100));
  const message =
    "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. " +
    `The following tool_call_ids did not have response messages: ${ids.join(", ")}`;
  throw new AiError("invalid_value", message, { param: `messages[${open.index}].tool_calls` });
}

function decodeMessage(message: RequestMessage, param: string): ChatMessage {
  const content = decodeContent(message.content, `${param}.content`);
  switch (message.role) {
    case "developer":
    case "system":
      return { role: "system", content, ...decodeName(message.name) };
    case "user":
      return { role: "user", content, ...decodeName(message.name) };
    case "tool":
      return { role: "tool", content, toolCallId: message.tool_call_id };
    case "function":
      return { role: "tool", content, name: message.name, toolCallId: message.name };
    case "assistant": {
      if (message.audio) throw unsupportedValue(`${param}.audio`, "an earlier spoken answer", "its text as 'content'");
      const toolCalls = decodeToolCalls(message);
      const spoken = content === "" ? (message.refusal ?? "") : content;
      return {
        role: "assistant",
        content: spoken,
        ...decodeName(message.name),
        ...(toolCalls.length > 0 ? { toolCalls } : {}),
      };
    }
  }
}

type Content = string | readonly (UserContentPart | AssistantContentPart)[] | null | undefined;

/** Parts are separate pieces of text, so a line break keeps them apart. */
function decodeContent(content: Content, param: string): string {
  if (content === null || content === undefined) return "";
  if (typeof content === "string") return content;
  return content.map((part, index) => decodePart(part, `${param}[${index}]`)).join("\n");
}

function decodePart(part: UserContentPart | AssistantContentPart, param: string): string {
  switch (part.type) {
    case "text":
      return part.text;
    case "refusal":
      return part.refusal;
    case "image_url":
    case "input_audio":
    case "file":
      throw unsupportedValue(`${param}.type`, part.type, "'text'");
  }
}

function decodeName(name: string | null | undefined): { name?: string } {
  return name === null || name === undefined ? {} : { name };
}

type AssistantMessage = Extract<RequestMessage, { role: "assistant" }>;

function decodeToolCalls(message: AssistantMessage): ChatToolCall[] {
  const toolCalls = (message.tool_calls ?? []).map(decodeToolCall);
  if (!message.function_call) return toolCalls;
  const { name, arguments: text } = message.function_call;
  return [...toolCalls, { id: name, name, arguments: text }];
}

function decodeToolCall(call: ToolCall): ChatToolCall {
  switch (call.type) {
    case "function":
      return { id: call.id, name: call.function.name, arguments: call.function.arguments };
    case "custom":
      return { id: call.id, name: call.custom.name, arguments: wrapInput(call.custom.input) };
  }
}
