/** Renders a conversation with the model's own chat template. It makes text, not tokens. */

import { AiError } from "@openai-compat/core";
import type { ChatMessage, ChatToolCall } from "@openai-compat/core";
import { Template } from "@huggingface/jinja";
import { CALL_BEGIN } from "./tool-calls-format.ts";

export interface ChatTemplate {
  /** Whether it has words for tools that are called between the tags that are read here. */
  readonly knowsTools: boolean;
  /** Whether models with it think between tags before they answer. */
  readonly knowsThoughts: boolean;
  /** @throws AiError `invalid_request` when the template refuses the messages */
  render(messages: readonly ChatMessage[], extras?: TemplateExtras): string;
}

export interface TemplateExtras {
  /** For a template that knows tools. */
  readonly tools?: readonly Record<string, unknown>[];
  /** For one that knows thoughts; default: as it likes. */
  readonly thinking?: boolean;
}

/** Some templates begin the thoughts themselves: so a prompt of theirs ends. */
export const THOUGHTS_BEGUN = /<think>\s*$/;
/** Ends thoughts that have no text, as templates with a switch for them do. */
const NO_THOUGHTS = "\n</think>\n\n";

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
    knowsTools: source.includes(CALL_BEGIN) && /\btools\b/.test(source),
    knowsThoughts: source.includes("<think>"),
    render(messages, { tools, thinking } = {}) {
      try {
        const prompt = template.render({
          messages: messages.map(toView),
          ...(tools !== undefined && { tools }),
          ...(thinking !== undefined && { enable_thinking: thinking }),
          add_generation_prompt: true,
          bos_token: bosText,
          eos_token: eosText,
        });
        // A template without a switch begins them all the same, and structured output would be read as thoughts.
        return thinking === false && THOUGHTS_BEGUN.test(prompt) ? prompt.trimEnd() + NO_THOUGHTS : prompt;
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

/** A template that knows no tools would drop the calls and stumble over the role: both become text, marked as such. */
function viewForPlainTemplate(message: ChatMessage): Record<string, unknown> {
  if (message.role === "tool") {
    return { role: "user", content: `<tool_response>\n${message.content}\n</tool_response>` };
  }
  const calls = (message.toolCalls ?? []).map(
    (call) => `<tool_call>\n${JSON.stringify({ name: call.name, arguments: decodeArguments(call) })}\n</tool_call>`,
  );
  return { role: message.role, content: [message.content, ...calls].filter((part) => part !== "").join("\n") };
}

/** What is nested deeper can't be printed again. */
const ARGUMENTS_DEPTH_MAX = 100;

/** Templates print an object as JSON of its own; what is no JSON object stays the text that it was. */
export function decodeArguments(call: ChatToolCall): unknown {
  try {
    const value: unknown = JSON.parse(call.arguments);
    const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
    return isObject && isNestedWithin(value, ARGUMENTS_DEPTH_MAX) ? value : call.arguments;
  } catch {
    return call.arguments;
  }
}

function isNestedWithin(value: unknown, depthMax: number): boolean {
  if (typeof value !== "object" || value === null) return true;
  return depthMax > 0 && Object.values(value).every((member) => isNestedWithin(member, depthMax - 1));
}
