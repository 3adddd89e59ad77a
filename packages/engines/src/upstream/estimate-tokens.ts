/**
 * How many tokens a text has at least. It is charged only where an upstream never said how many there were, because it
 * does not say or because the caller left before its last word, so it errs downwards.
 */

import type { RelayRequest } from "@openai-compat/core";
import { isRecord } from "./json-value.ts";

/** Where the scripts of East Asia begin, which write words without spaces; emoji lie behind it too. */
const FIRST_UNSPACED = 0x2e_80;
/** Tokenisers seldom put more of these into one token. */
const UNSPACED_PER_TOKEN = 2;

/** Tokenisers split at white space, so each word is one token at least. */
export function countTokensAtLeast(text: string): number {
  let words = 0;
  let unspaced = 0;
  let isInWord = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    const isWord = code !== 32 && (code < 9 || code > 13) && code < FIRST_UNSPACED;
    if (code >= FIRST_UNSPACED) unspaced += 1;
    else if (isWord && !isInWord) words += 1;
    isInWord = isWord;
  }
  return words + Math.ceil(unspaced / UNSPACED_PER_TOKEN);
}

/** Of the messages, of the prompt (or its tokens, where it is sent as such), or of what is to be embedded. */
export function estimateInputTokens({ body }: RelayRequest): number {
  if (body.kind === "form") return 0;
  const { messages, prompt, input } = body.value;
  if (Array.isArray(messages))
    return sum(messages, (message) => (isRecord(message) ? countContent(message["content"]) : 0));
  return countContent(prompt ?? input);
}

/** Of an answer that came in one piece. */
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
  if (typeof content === "string") return countTokensAtLeast(content);
  if (typeof content === "number") return 1;
  if (Array.isArray(content)) return sum(content, countContent);
  return isRecord(content) && typeof content["text"] === "string" ? countTokensAtLeast(content["text"]) : 0;
}

function sum(values: readonly unknown[], count: (value: unknown) => number): number {
  return values.reduce<number>((total, value) => total + count(value), 0);
}
