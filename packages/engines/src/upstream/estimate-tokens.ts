/**
 * How many tokens a text has at least. It is charged only where an upstream never said how many there were, so it errs
 * downwards: tokenisers split at white space, so each word is at least one token.
 */

import type { RelayRequest } from "@openai-compat/core";
import { isRecord } from "./json-value.ts";

/** Runs of anything but ASCII white space. */
export function countWords(text: string): number {
  let words = 0;
  let isInWord = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isSpace = code === 32 || (code >= 9 && code <= 13);
    if (!isSpace && !isInWord) words += 1;
    isInWord = !isSpace;
  }
  return words;
}

/** The words of the messages, of the prompt (or its tokens, where it is sent as such), or of what is to be embedded. */
export function estimateInputTokens({ body }: RelayRequest): number {
  if (body.kind === "form") return 0;
  const { messages, prompt, input } = body.value;
  if (Array.isArray(messages))
    return sum(messages, (message) => (isRecord(message) ? countContent(message["content"]) : 0));
  return countContent(prompt ?? input);
}

/** The words of an answer that came in one piece. */
export function estimateOutputTokens(answer: Readonly<Record<string, unknown>>): number {
  const { choices } = answer;
  if (!Array.isArray(choices)) return 0;
  return sum(choices, (choice) => {
    if (!isRecord(choice)) return 0;
    return isRecord(choice["message"]) ? countContent(choice["message"]["content"]) : countContent(choice["text"]);
  });
}

/** A text, parts with texts, token ids, or lists of these. */
function countContent(content: unknown): number {
  if (typeof content === "string") return countWords(content);
  if (typeof content === "number") return 1;
  if (Array.isArray(content)) return sum(content, countContent);
  return isRecord(content) && typeof content["text"] === "string" ? countWords(content["text"]) : 0;
}

function sum(values: readonly unknown[], count: (value: unknown) => number): number {
  return values.reduce<number>((total, value) => total + count(value), 0);
}
