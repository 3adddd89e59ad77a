/** Renders a conversation with the model's own chat template. It makes text, not tokens. */

import { AiError, isRecord } from "@openai-compat/core";
import type { ChatMessage, ChatToolCall } from "@openai-compat/core";
import { Template } from "@huggingface/jinja";
import { CALL_BEGIN } from "./tool-calls-format.ts";

export interface ChatTemplate {
  /** Whether it renders tools, with calls between the tags that are parsed here. */
  readonly supportsTools: boolean;
  /** Whether its models write reasoning between tags before the answer. */
  readonly supportsReasoning: boolean;
  /** @throws AiError `invalid_request` when the template refuses the messages */
  render(messages: readonly ChatMessage[], extras?: TemplateExtras): string;
}

export interface TemplateExtras {
  /** For a template that supports tools. */
  readonly tools?: readonly Record<string, unknown>[];
  /** For a template that supports reasoning. Default: the template's own. */
  readonly enableReasoning?: boolean;
}

/** The end of a prompt whose template opens the reasoning itself. */
export const ENDS_IN_REASONING = /<think>\s*$/;
/** Closes empty reasoning, as templates with a switch for it do. */
const REASONING_END = "\n</think>\n\n";

export interface ChatTemplateOptions {
  /** Jinja, from the model file. */
  readonly source: string;
  readonly bosText: string;
  readonly eosText: string;
}

export function createChatTemplate({ source, bosText, eosText }: ChatTemplateOptions): ChatTemplate {
  const template = new Template(source);
  const toView = source.includes("tool_calls") ? viewForToolTemplate : viewForPlainTemplate;
  return {
    supportsTools: source.includes(CALL_BEGIN) && /\btools\b/.test(source),
    supportsReasoning: source.includes("<think>"),
    render(messages, { tools, enableReasoning } = {}) {
      try {
        const prompt = template.render({
          messages: messages.map(toView),
          ...(tools !== undefined && { tools }),
          ...(enableReasoning !== undefined && { enable_thinking: enableReasoning }),
          add_generation_prompt: true,
          bos_token: bosText,
          eos_token: eosText,
        });
        // A template without a switch opens the reasoning all the same, and structured output would be parsed as
        // reasoning.
        return enableReasoning === false && ENDS_IN_REASONING.test(prompt) ? prompt.trimEnd() + REASONING_END : prompt;
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        throw new AiError("invalid_request", `The model's chat template refuses these messages: ${detail}`, {
          param: "messages",
          cause: error,
        });
      }
    },
  };
}

/** The shape that templates with tools are written for. */
function viewForToolTemplate(message: ChatMessage): Record<string, unknown> {
  return {
    role: message.role,
    content: message.content,
    ...(message.reasoning !== undefined && { reasoning_content: message.reasoning }),
    ...(message.name !== undefined && { name: message.name }),
    ...(message.toolCallId !== undefined && { tool_call_id: message.toolCallId }),
    ...(message.toolCalls !== undefined && {
      tool_calls: message.toolCalls.map((call) => ({
        id: call.id,
        type: "function",
        function: { name: call.name, arguments: decodeArguments(call) },
      })),
    }),
  };
}

/** A template without tools would drop the calls and fail on the role: both become tagged text. */
function viewForPlainTemplate(message: ChatMessage): Record<string, unknown> {
  if (message.role === "tool") {
    return { role: "user", content: `<tool_response>\n${message.content}\n</tool_response>` };
  }
  const calls = (message.toolCalls ?? []).map(
    (call) => `<tool_call>\n${JSON.stringify({ name: call.name, arguments: decodeArguments(call) })}\n</tool_call>`,
  );
  return { role: message.role, content: [message.content, ...calls].filter((part) => part !== "").join("\n") };
}

/** Deeper values can't be printed again. */
const ARGUMENTS_DEPTH_MAX = 100;

/** Templates print an object as JSON; arguments that are not a JSON object stay text. */
export function decodeArguments(call: ChatToolCall): unknown {
  try {
    const value: unknown = JSON.parse(call.arguments);
    return isRecord(value) && isNestedWithin(value, ARGUMENTS_DEPTH_MAX) ? value : call.arguments;
  } catch {
    return call.arguments;
  }
}

function isNestedWithin(value: unknown, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depthMax > 0 && Object.values(value).every((member) => isNestedWithin(member, depthMax - 1));
}
