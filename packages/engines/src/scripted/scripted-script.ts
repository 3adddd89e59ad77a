/**
 * Decides how the scripted engine answers a conversation: with text, JSON or tool calls. It calls the tools that the
 * last message names, if that is a user's, and a required one.
 */

import type { ChatOutput, ChatTool, Sampling, ToolUse } from "@openai-compat/core";
import type { OutputSchemas } from "../grammar/output-schemas.ts";
import { composeJson, wrapInJson } from "./scripted-json.ts";
import type { ConstrainedText } from "./scripted-json.ts";
import { composeReply } from "./scripted-reply.ts";
import { decodeConversation } from "./scripted-tokens.ts";

export type Script =
  | { readonly type: "answer"; readonly answer: ConstrainedText }
  | { readonly type: "calls"; readonly calls: readonly ScriptedCall[] };

export interface ScriptedCall {
  readonly name: string;
  readonly arguments: ConstrainedText;
}

export function composeScript(
  promptTokens: readonly number[],
  { output, sampling }: { readonly output: ChatOutput; readonly sampling: Sampling },
  schemas: OutputSchemas,
): Script {
  const tools = output.toolUse === null ? [] : chooseTools(promptTokens, output.toolUse);
  if (tools.length > 0) {
    const calls = tools.map((tool) => {
      const grammar = schemas.tools.get(tool);
      return {
        name: tool.name,
        arguments: grammar === undefined ? { text: "{}", grammar: null } : composeJson(grammar),
      };
    });
    return { type: "calls", calls };
  }
  if (schemas.format !== null) return { type: "answer", answer: composeJson(schemas.format) };
  const reply = composeReply(promptTokens, sampling);
  return {
    type: "answer",
    answer: output.format.type === "text" ? { text: reply, grammar: null } : wrapInJson(reply),
  };
}

function chooseTools(promptTokens: readonly number[], { tools, mode, parallel }: ToolUse): readonly ChatTool[] {
  const last = decodeConversation(promptTokens).at(-2);
  const named = last?.role === "user" ? tools.filter(({ name }) => last.text.includes(name)) : [];
  const chosen = named.length === 0 && mode === "required" ? tools.slice(0, 1) : named;
  return parallel ? chosen : chosen.slice(0, 1);
}
