/**
 * What the scripted engine does with a conversation: speaks, answers in JSON, or calls tools. The rule for tools is
 * simple enough to be foreseen: it calls those that the last message names, where that is a user's, and all that it must.
 */

import type { ChatOutput, ChatTool, Sampling, ToolUse } from "@openai-compat/core";
import { composeJson, wrapInJson } from "./scripted-json.ts";
import type { FormedText } from "./scripted-json.ts";
import { composeReply } from "./scripted-reply.ts";
import { decodeConversation } from "./scripted-tokens.ts";

export type Script =
  | { readonly type: "answer"; readonly answer: FormedText }
  | { readonly type: "calls"; readonly calls: readonly ScriptedCall[] };

export interface ScriptedCall {
  readonly name: string;
  readonly arguments: FormedText;
}

export function composeScript(
  promptTokens: readonly number[],
  { output, sampling }: { readonly output: ChatOutput; readonly sampling: Sampling },
): Script {
  const tools = output.toolUse === null ? [] : chooseTools(promptTokens, output.toolUse);
  if (tools.length > 0) {
    const calls = tools.map(({ name, parameters }) => ({
      name,
      arguments: parameters === null ? { text: "{}", grammar: null } : composeJson(parameters),
    }));
    return { type: "calls", calls };
  }
  switch (output.format.type) {
    case "text":
      return { type: "answer", answer: { text: composeReply(promptTokens, sampling), grammar: null } };
    case "json-object":
      return { type: "answer", answer: wrapInJson(composeReply(promptTokens, sampling)) };
    case "json-schema":
      return { type: "answer", answer: composeJson(output.format.schema) };
  }
}

function chooseTools(promptTokens: readonly number[], { tools, mode, parallel }: ToolUse): readonly ChatTool[] {
  const last = decodeConversation(promptTokens).at(-2);
  const named = last?.role === "user" ? tools.filter(({ name }) => last.text.includes(name)) : [];
  const chosen = named.length === 0 && mode === "required" ? tools.slice(0, 1) : named;
  return parallel ? chosen : chosen.slice(0, 1);
}
