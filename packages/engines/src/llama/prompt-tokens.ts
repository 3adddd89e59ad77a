/**
 * Turns a conversation into prompt tokens. Text that a caller wrote never becomes a control token, whatever it spells:
 * a message that holds `<|im_end|>` ends nothing.
 */

import type { ChatMessage } from "@openai-compat/core";
import { decodeArguments } from "./chat-template.ts";
import type { ChatTemplate } from "./chat-template.ts";

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

export function tokenizePrompt(
  messages: readonly ChatMessage[],
  template: ChatTemplate,
  tokenizer: PromptTokenizer,
): number[] {
  const tokens = messages.some((message) => spellsControlToken(message, tokenizer))
    ? tokenizeApart(messages, template, tokenizer)
    : [...tokenizer.tokenize(template.render(messages), true)];
  const { prefixToken } = tokenizer;
  if (prefixToken !== null && tokens[0] !== prefixToken) tokens.unshift(prefixToken);
  return tokens;
}

function spellsControlToken(message: ChatMessage, tokenizer: PromptTokenizer): boolean {
  return listTexts(message).some(
    (text) =>
      tokenizer.controlTextHint.test(text) &&
      tokenizer.tokenize(text, true).some((token) => tokenizer.isControlToken(token)),
  );
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

function tokenizeApart(messages: readonly ChatMessage[], template: ChatTemplate, tokenizer: PromptTokenizer): number[] {
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
  return template
    .render(marked)
    .split(MARKER)
    .flatMap((part, index) => {
      if (part === "") return [];
      const isCallersText = index % 2 === 1;
      return isCallersText ? tokenizer.tokenize(texts[Number(part)] ?? "", false) : tokenizer.tokenize(part, true);
    });
}
