/**
 * Estimates the tokens of a text where no upstream reported them: it doesn't count, or the client disconnected before
 * the report. A caller can choose to disconnect, so the estimate must not be cheaper than the report by much: it is the
 * larger of two counts, each of which is low for the texts that the other is made for.
 */

import { MODEL_OPERATIONS } from "@openai-compat/core";
import type { UpstreamRequest } from "@openai-compat/core";
import { isRecord } from "./json-value.ts";

/** Start of the East Asian scripts, which don't separate words by spaces; emoji are beyond it too. */
const FIRST_UNSPACED = 0x2e_80;
/** Tokenisers seldom put more of these into one token. */
const UNSPACED_PER_TOKEN = 2;
/** Of English prose; most other texts have fewer. */
const BYTES_PER_TOKEN = 4;
/** An image, a recording or a file in a prompt: tokens of one of medium size. */
const MEDIA_TOKENS = 1024;

/** The counts that estimates are based on, summed over texts. */
export interface TextCounts {
  /** Tokenisers split at white space, so each word is one token at least. */
  words: number;
  /** UTF-8. */
  bytes: number;
}

/** The most of: a word is a token at least, a token has four bytes at most. */
export function estimateTokens(text: string): number {
  const counts = { words: 0, bytes: 0 };
  countText(text, counts);
  return Math.max(counts.words, bytesToTokens(counts.bytes));
}

export function bytesToTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** Adds the counts of `text`. A single pass: it runs for each chunk of a stream. */
export function countText(text: string, counts: TextCounts): void {
  let words = 0;
  let unspaced = 0;
  let more = 0;
  let isInWord = false;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code >= FIRST_OF_TWO_BYTES) more += code >= FIRST_OF_THREE_BYTES && !isSurrogate(code) ? 2 : 1;
    const isWord = code !== 32 && (code < 9 || code > 13) && code < FIRST_UNSPACED;
    if (code >= FIRST_UNSPACED) unspaced += 1;
    else if (isWord && !isInWord) words += 1;
    isInWord = isWord;
  }
  counts.words += words + Math.ceil(unspaced / UNSPACED_PER_TOKEN);
  counts.bytes += text.length + more;
}

const FIRST_OF_TWO_BYTES = 0x80;
const FIRST_OF_THREE_BYTES = 0x8_00;

/** Two of them are four bytes. */
function isSurrogate(code: number): boolean {
  return code >= 0xd8_00 && code <= 0xdf_ff;
}

/** The parameters that become prompt. */
const PROMPT_PARAMETERS = [
  "messages",
  "tools",
  "functions",
  "response_format",
  "prediction",
  "prompt",
  "suffix",
  "input",
  "instructions",
] as const;

/** What such operations use is not in proportion to what they are sent. */
const UNESTIMATED: ReadonlySet<string> = new Set(["context", "nothing"]);

/** Tokens of everything that becomes prompt: messages, tools, texts, or token ids. */
export function estimateInputTokens({ body, operation }: UpstreamRequest): number {
  if (body.kind === "form" || UNESTIMATED.has(MODEL_OPERATIONS[operation].tokensBoundedBy)) return 0;
  const { value } = body;
  return sum(PROMPT_PARAMETERS, (name) => countContent(value[name]));
}

/** Tokens of a non-streaming answer: all texts of its choices or items, and the arguments of its calls. */
export function estimateOutputTokens(answer: Readonly<Record<string, unknown>>): number {
  const { choices, output } = answer;
  if (Array.isArray(output)) return countContent(output);
  if (!Array.isArray(choices)) return 0;
  return sum(choices, (choice) => {
    if (!isRecord(choice)) return 0;
    const { message, text } = choice;
    if (!isRecord(message)) return countContent(text);
    const { role: _role, audio: _audio, ...said } = message;
    return countContent(said);
  });
}

/** A text, token ids, or a structure of these; the model reads the property names of an object too. */
function countContent(content: unknown): number {
  if (typeof content === "string") return estimateTokens(content);
  if (typeof content === "number") return 1;
  if (Array.isArray(content)) return sum(content, countContent);
  if (!isRecord(content)) return 0;
  if (isMedia(content["type"])) return MEDIA_TOKENS + countContent(content["text"]);
  return sum(Object.keys(content), (name) => countContent(content[name]) + NAME_TOKENS);
}

/** Names stand in a template's own words, or not at all. */
const NAME_TOKENS = 1;

function isMedia(type: unknown): boolean {
  return typeof type === "string" && /image|audio|video|file/.test(type);
}

function sum<Value>(values: readonly Value[], count: (value: Value) => number): number {
  return values.reduce<number>((total, value) => total + count(value), 0);
}
