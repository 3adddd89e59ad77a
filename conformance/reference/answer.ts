/** The reference server's "model": deterministic text, cut by stop and token limits, as one completion or as chunks. */

import { type ChatBody, readMessages } from "./rules.ts";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

interface Generation {
  /** One word with its leading blank each; a token is a word here. */
  readonly words: readonly string[];
  readonly finishReason: "stop" | "length";
}

export interface Answer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Generation[];
  readonly usage: Usage;
}

/** No answer without a limit has more tokens. */
const LONGEST_ANSWER = 10_000;

let answers = 0;

/** Answers a valid request. Same messages and limits, same text. */
export function answerChat(body: ChatBody): Answer {
  answers += 1;
  const generation = generate(body);
  const choices = Array.from({ length: readNumber(body, "n") ?? 1 }, () => generation);
  const promptTokens = countPromptTokens(body);
  const completionTokens = choices.reduce((sum, choice) => sum + choice.words.length, 0);
  return {
    id: `chatcmpl-reference-${answers}`,
    created: Math.floor(Date.now() / 1000),
    model: String(body["model"]),
    choices,
    usage: {
      prompt_tokens: promptTokens,
      completion_tokens: completionTokens,
      total_tokens: promptTokens + completionTokens,
    },
  };
}

export interface Completion {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly object[];
  readonly usage: Usage;
}

export function encodeCompletion(answer: Answer): Completion {
  return {
    id: answer.id,
    object: "chat.completion",
    created: answer.created,
    model: answer.model,
    choices: answer.choices.map((choice, index) => ({
      index,
      message: { role: "assistant", content: choice.words.join(""), refusal: null },
      logprobs: null,
      finish_reason: choice.finishReason,
    })),
    usage: answer.usage,
  };
}

export interface ChunkChoice {
  readonly index: number;
  readonly delta: { readonly role?: string; readonly content?: string; readonly refusal?: null };
  readonly logprobs: null;
  readonly finish_reason: string | null;
}

export interface Chunk {
  readonly id: string;
  readonly object: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly ChunkChoice[];
  readonly usage?: Usage | null;
}

export function encodeChunks(answer: Answer, includeUsage: boolean): readonly Chunk[] {
  const base = { id: answer.id, object: "chat.completion.chunk", created: answer.created, model: answer.model };
  const chunk = (index: number, delta: ChunkChoice["delta"], finishReason: string | null): Chunk => ({
    ...base,
    choices: [{ index, delta, logprobs: null, finish_reason: finishReason }],
    ...(includeUsage ? { usage: null } : {}),
  });
  const chunks = answer.choices.flatMap((choice, index) => [
    chunk(index, { role: "assistant", content: "", refusal: null }, null),
    ...choice.words.map((word) => chunk(index, { content: word }, null)),
    chunk(index, {}, choice.finishReason),
  ]);
  return includeUsage ? [...chunks, { ...base, choices: [], usage: answer.usage }] : chunks;
}

function generate(body: ChatBody): Generation {
  const whole = composeText(readMessages(body));
  const stops = [body["stop"]].flat().filter((stop): stop is string => typeof stop === "string" && stop !== "");
  const cuts = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
  const words = splitWords(whole.slice(0, Math.min(whole.length, ...cuts)));
  const limit = readTokenLimit(body) ?? Infinity;
  return words.length > limit
    ? { words: words.slice(0, limit), finishReason: "length" }
    : { words, finishReason: "stop" };
}

function composeText(messages: readonly Readonly<Record<string, unknown>>[]): string {
  const prompt = readText(messages.findLast((message) => message["role"] === "user")?.["content"]);
  if (/\bcount\b/i.test(prompt)) return Array.from({ length: 200 }, (_, index) => String(index + 1)).join(" ");
  return `You wrote: ${prompt} The reference server knows no more than that.`;
}

/** The most that an answer can cost. */
export function estimateTokens(body: ChatBody): number {
  return (readTokenLimit(body) ?? LONGEST_ANSWER) * (readNumber(body, "n") ?? 1);
}

function readTokenLimit(body: ChatBody): number | undefined {
  return readNumber(body, "max_completion_tokens") ?? readNumber(body, "max_tokens");
}

function countPromptTokens(body: ChatBody): number {
  return readMessages(body).reduce((sum, message) => sum + 1 + splitWords(readText(message["content"])).length, 0);
}

function splitWords(text: string): readonly string[] {
  return text.match(/\s*\S+|\s+$/g) ?? [];
}

function readText(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.map((part: { text?: unknown }) => (typeof part.text === "string" ? part.text : "")).join("");
}

function readNumber(body: ChatBody, param: string): number | undefined {
  const value = body[param];
  return typeof value === "number" ? value : undefined;
}
