/**
 * Turns a conversation into prompt tokens. Text that a caller wrote never becomes a control token, whatever it spells:
 * a message that holds `<|im_end|>` ends nothing.
 */

import { AiError } from "@openai-compat/core";
import type { ChatMessage, ChatOutput } from "@openai-compat/core";
import { decodeArguments } from "./chat-template.ts";
import type { ChatTemplate, TemplateExtras } from "./chat-template.ts";
import { describeOutput, viewTool } from "./tool-calls-format.ts";

/** The part of a model that tokenising needs. */
export interface PromptTokenizer {
  /** `special`: whether control tokens spelt in the text become those tokens. */
  tokenize(text: string, special: boolean): readonly number[];
  isControlToken(token: number): boolean;
  /** Matches when a text may spell a control token; cheap, with false positives. */
  readonly controlTextHint: RegExp;
  /** The token that the model wants in front of every prompt, if any. */
  readonly prefixToken: number | null;
}

/** @throws AiError `invalid_value` for tools that spell a control token where the template itself writes them. */
export function tokenizePrompt(
  { messages, output }: { readonly messages: readonly ChatMessage[]; readonly output: ChatOutput },
  template: ChatTemplate,
  tokenizer: PromptTokenizer,
): number[] {
  const told = tellOutput(messages, describeOutput(output, template.knowsTools));
  const extras = buildExtras(output, template, tokenizer);
  const tokens = told.some((message) => spellsControlToken(message, tokenizer))
    ? tokenizeApart(told, (marked) => template.render(marked, extras), tokenizer)
    : [...tokenizer.tokenize(template.render(told, extras), true)];
  const { prefixToken } = tokenizer;
  if (prefixToken !== null && tokens[0] !== prefixToken) tokens.unshift(prefixToken);
  return tokens;
}

/** In front of what the caller's own instructions say, so that they have the last word. */
function tellOutput(messages: readonly ChatMessage[], told: string | null): readonly ChatMessage[] {
  if (told === null) return messages;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: told }, ...messages];
  return [{ ...first, content: `${told}\n\n${first.content}` }, ...rest];
}

function buildExtras(
  { toolUse, format, thinking }: ChatOutput,
  template: ChatTemplate,
  tokenizer: PromptTokenizer,
): TemplateExtras {
  // A model that is held to a form from its first token on can't think before it.
  const mustAnswerAtOnce = format.type !== "text" || toolUse?.mode === "required";
  const wanted = mustAnswerAtOnce ? false : thinking;
  const extras = template.knowsThoughts && wanted !== null ? { thinking: wanted } : {};
  if (toolUse === null || !template.knowsTools) return extras;
  const tools = toolUse.tools.map(viewTool);
  if (spellsControlText(JSON.stringify(tools), tokenizer)) {
    throw new AiError("invalid_value", "Invalid 'tools': a tool spells a control token of the model.", {
      param: "tools",
    });
  }
  return { ...extras, tools };
}

function spellsControlText(text: string, tokenizer: PromptTokenizer): boolean {
  return (
    tokenizer.controlTextHint.test(text) &&
    tokenizer.tokenize(text, true).some((token) => tokenizer.isControlToken(token))
  );
}

function spellsControlToken(message: ChatMessage, tokenizer: PromptTokenizer): boolean {
  return listTexts(message).some((text) => spellsControlText(text, tokenizer));
}

/** Arguments also as a template prints them: JSON may spell any character as an escape. */
function listTexts(message: ChatMessage): string[] {
  const calls = message.toolCalls ?? [];
  return [
    message.content,
    message.name ?? "",
    message.toolCallId ?? "",
    ...calls.flatMap((call) => [call.id, call.name, call.arguments, JSON.stringify(decodeArguments(call))]),
  ];
}

/** Private-use characters: markers stand for the callers' texts while the template runs, then each is tokenised alone. */
const MARKER = /\uE000(\d+)\uE001/u;

function tokenizeApart(
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[]) => string,
  tokenizer: PromptTokenizer,
): number[] {
  const texts: string[] = [];
  const mark = (text: string) => (text === "" ? "" : `\uE000${texts.push(text) - 1}\uE001`);
  const marked = messages.map((message): ChatMessage => ({
    role: message.role,
    content: mark(message.content),
    ...(message.name !== undefined && { name: mark(message.name) }),
    ...(message.toolCallId !== undefined && { toolCallId: mark(message.toolCallId) }),
    ...(message.toolCalls !== undefined && {
      toolCalls: message.toolCalls.map((call) => ({
        id: mark(call.id),
        name: mark(call.name),
        arguments: mark(call.arguments),
      })),
    }),
  }));
  return render(marked)
    .split(MARKER)
    .flatMap((part, index) => {
      if (part === "") return [];
      const isCallersText = index % 2 === 1;
      return isCallersText ? tokenizer.tokenize(texts[Number(part)] ?? "", false) : tokenizer.tokenize(part, true);
    });
}
