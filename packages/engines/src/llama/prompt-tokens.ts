/**
 * Turns a conversation into prompt tokens. A caller's text never becomes a control token: a message that contains
 * `<|im_end|>` ends nothing.
 */

import { AiError } from "@openai-compat/core";
import type { ChatMessage, ChatOutput, WorkSlices } from "@openai-compat/core";
import { decodeArguments } from "./chat-template.ts";
import type { ChatTemplate, TemplateExtras } from "./chat-template.ts";
import { tokenizeInSlices } from "./sliced-tokens.ts";
import type { PieceTokenizer } from "./sliced-tokens.ts";
import { describeOutput, viewTool } from "./tool-calls-format.ts";

/** The part of a model that tokenising needs. */
export interface PromptTokenizer extends PieceTokenizer {
  /** Matches the text of any control token. */
  readonly controlText: RegExp;
  /** The model's first token of every prompt, if any. */
  readonly prefixToken: number | null;
}

/**
 * @throws AiError `invalid_value` for tools that contain the text of a control token where the template itself writes
 *   them; what `slices` throws.
 */
export async function tokenizePrompt(
  { messages, output }: { readonly messages: readonly ChatMessage[]; readonly output: ChatOutput },
  { template, tokenizer }: { readonly template: ChatTemplate; readonly tokenizer: PromptTokenizer },
  slices: WorkSlices,
): Promise<number[]> {
  const messagesWithOutput = prependOutput(messages, describeOutput(output, template.supportsTools));
  const extras = buildExtras(output, template, tokenizer);
  const tokens = (await containControlTokens(messagesWithOutput, tokenizer, slices))
    ? await tokenizeApart(messagesWithOutput, (marked) => template.render(marked, extras), { tokenizer, slices })
    : [...(await tokenizeInSlices(template.render(messagesWithOutput, extras), { special: true, tokenizer, slices }))];
  const { prefixToken } = tokenizer;
  if (prefixToken !== null && tokens[0] !== prefixToken) tokens.unshift(prefixToken);
  return tokens;
}

/** Placed before the caller's own instructions, so that those take precedence. */
function prependOutput(messages: readonly ChatMessage[], messagesWithOutput: string | null): readonly ChatMessage[] {
  if (messagesWithOutput === null) return messages;
  const [first, ...rest] = messages;
  if (first?.role !== "system") return [{ role: "system", content: messagesWithOutput }, ...messages];
  return [{ ...first, content: `${messagesWithOutput}\n\n${first.content}` }, ...rest];
}

function buildExtras(
  { toolUse, format, reasoningEffort }: ChatOutput,
  template: ChatTemplate,
  tokenizer: PromptTokenizer,
): TemplateExtras {
  // A model whose output is constrained from the first token on can't reason before it.
  const mustAnswerAtOnce = format.type !== "text" || toolUse?.mode === "required";
  const enableReasoning = mustAnswerAtOnce ? false : mapReasoningEffort(reasoningEffort);
  const extras = template.supportsReasoning && enableReasoning !== null ? { enableReasoning } : {};
  if (toolUse === null || !template.supportsTools) return extras;
  const tools = toolUse.tools.map(viewTool);
  if (JSON.stringify(tools).search(tokenizer.controlText) !== -1) {
    throw new AiError("invalid_value", "Invalid 'tools': a tool contains the text of a control token of the model.", {
      param: "tools",
    });
  }
  return { ...extras, tools };
}

/** Templates have a switch, no levels. @returns null for the template's own default. */
function mapReasoningEffort(effort: ChatOutput["reasoningEffort"]): boolean | null {
  return effort === null ? null : effort !== "none" && effort !== "minimal";
}

async function containControlTokens(
  messages: readonly ChatMessage[],
  { controlText }: PromptTokenizer,
  slices: WorkSlices,
): Promise<boolean> {
  for (const message of messages) {
    if (slices.isOver) await slices.next();
    if (listTexts(message).some((text) => text.search(controlText) !== -1)) return true;
  }
  return false;
}

/** Arguments also as a template prints them: JSON may escape any character. */
function listTexts(message: ChatMessage): string[] {
  const calls = message.toolCalls ?? [];
  return [
    message.content,
    message.reasoning ?? "",
    message.name ?? "",
    message.toolCallId ?? "",
    ...calls.flatMap((call) => [call.id, call.name, call.arguments, JSON.stringify(decodeArguments(call))]),
  ];
}

/**
 * Private-use characters: markers replace the callers' texts while the template is rendered, then each text is
 * tokenised alone.
 */
const MARKER = /\uE000(\d+)\uE001/u;

async function tokenizeApart(
  messages: readonly ChatMessage[],
  render: (messages: readonly ChatMessage[]) => string,
  { tokenizer, slices }: { readonly tokenizer: PromptTokenizer; readonly slices: WorkSlices },
): Promise<number[]> {
  const { marked, texts } = markTexts(messages);
  const tokens: number[] = [];
  for (const [index, part] of render(marked).split(MARKER).entries()) {
    if (part === "") continue;
    if (slices.isOver) await slices.next();
    const isCallersText = index % 2 === 1;
    const text = isCallersText ? (texts[Number(part)] ?? "") : part;
    for (const token of await tokenizeInSlices(text, { special: !isCallersText, tokenizer, slices }))
      tokens.push(token);
  }
  return tokens;
}

function markTexts(messages: readonly ChatMessage[]): {
  readonly marked: readonly ChatMessage[];
  readonly texts: readonly string[];
} {
  const texts: string[] = [];
  const mark = (text: string) => (text === "" ? "" : `\uE000${texts.push(text) - 1}\uE001`);
  const marked = messages.map((message): ChatMessage => ({
    role: message.role,
    content: mark(message.content),
    ...(message.reasoning !== undefined && { reasoning: mark(message.reasoning) }),
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
  return { marked, texts };
}
