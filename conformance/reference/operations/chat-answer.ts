/** The reference server's "model": deterministic text, cut by stop and token limits, as one completion or as chunks. */

import type { AnswerContext } from "./operation.ts";
import { readFormat, readSchemaFormat } from "./structured-output-rules.ts";
import { type ChatLogprobs, composeChatLogprobs } from "../logprobs.ts";
import { type ChatBody, readMessages } from "./chat-rules.ts";
import { steerText } from "../sampling.ts";
import { sampleSchema } from "../schema-sample.ts";
import { composeCalls, readNamedChoice, splitPieces, type ToolCall } from "../tool-answer.ts";

export interface Usage {
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
}

interface Generation {
  /** One word with its leading blank each; a token is a word here. */
  readonly words: readonly string[];
  readonly calls: readonly ToolCall[];
  readonly finishReason: "stop" | "length" | "tool_calls";
}

export interface ChatAnswer {
  readonly id: string;
  readonly created: number;
  readonly model: string;
  readonly choices: readonly Generation[];
  /** How many likely tokens were asked for beside each token; null for no log probabilities. */
  readonly alternatives: number | null;
  readonly usage: Usage;
}

/** No answer without a limit has more tokens. */
const LONGEST_ANSWER = 10_000;

/** Answers a valid request. Same messages and limits, same text. */
export function answerChat(body: ChatBody, { number, created }: AnswerContext): ChatAnswer {
  const choices = Array.from({ length: readNumber(body, "n") ?? 1 }, (_, index) =>
    generate(body, `${number}_${index}`),
  );
  const promptTokens = countPromptTokens(body);
  const completionTokens = choices.reduce((sum, choice) => sum + countTokens(choice), 0);
  return {
    id: `chatcmpl-reference-${number}`,
    created,
    model: String(body["model"]),
    choices,
    alternatives: body["logprobs"] === true ? (readNumber(body, "top_logprobs") ?? 0) : null,
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

export function encodeCompletion(answer: ChatAnswer): Completion {
  return {
    id: answer.id,
    object: "chat.completion",
    created: answer.created,
    model: answer.model,
    choices: answer.choices.map((choice, index) => ({
      index,
      message: encodeMessage(choice),
      logprobs: composeChatLogprobs(choice.words, answer.alternatives),
      finish_reason: choice.finishReason,
    })),
    usage: answer.usage,
  };
}

function encodeMessage({ words, calls }: Generation): object {
  if (calls.length === 0) return { role: "assistant", content: words.join(""), refusal: null };
  const encoded = calls.map(({ id, type, name, pieces }) => {
    const text = pieces.join("");
    return type === "custom"
      ? { id, type, custom: { name, input: text } }
      : { id, type, function: { name, arguments: text } };
  });
  return { role: "assistant", content: null, refusal: null, tool_calls: encoded };
}

export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: string;
  readonly function: { readonly name?: string; readonly arguments: string };
}

export interface CustomCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: string;
  readonly custom: { readonly name?: string; readonly input: string };
}

export interface Delta {
  readonly role?: string;
  readonly content?: string | null;
  readonly refusal?: null;
  readonly tool_calls?: readonly (ToolCallDelta | CustomCallDelta)[];
}

export interface ChunkChoice {
  readonly index: number;
  readonly delta: Delta;
  readonly logprobs: ChatLogprobs | null;
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

export function encodeChunks(answer: ChatAnswer, includeUsage: boolean): readonly Chunk[] {
  const base = { id: answer.id, object: "chat.completion.chunk", created: answer.created, model: answer.model };
  const encodeLogprobs = ({ content }: Delta): ChatLogprobs | null =>
    typeof content !== "string" || content === "" ? null : composeChatLogprobs([content], answer.alternatives);
  const chunk = (index: number, delta: Delta, finishReason: string | null): Chunk => ({
    ...base,
    choices: [{ index, delta, logprobs: encodeLogprobs(delta), finish_reason: finishReason }],
    ...(includeUsage ? { usage: null } : {}),
  });
  const chunks = answer.choices.flatMap((choice, index) => [
    chunk(index, { role: "assistant", content: choice.calls.length === 0 ? "" : null, refusal: null }, null),
    ...choice.words.map((word) => chunk(index, { content: word }, null)),
    ...choice.calls.flatMap(encodeCallDeltas).map((delta) => chunk(index, { tool_calls: [delta] }, null)),
    chunk(index, {}, choice.finishReason),
  ]);
  return includeUsage ? [...chunks, { ...base, choices: [], usage: answer.usage }] : chunks;
}

function encodeCallDeltas(
  { id, type, name, pieces }: ToolCall,
  index: number,
): readonly (ToolCallDelta | CustomCallDelta)[] {
  if (type === "custom") {
    return [
      { index, id, type, custom: { name, input: "" } },
      ...pieces.map((piece) => ({ index, custom: { input: piece } })),
    ];
  }
  return [
    { index, id, type, function: { name, arguments: "" } },
    ...pieces.map((piece) => ({ index, function: { arguments: piece } })),
  ];
}

/** `slug` makes the ids of its calls unique. */
function generate(body: ChatBody, slug: string): Generation {
  const calls = composeCalls(body, slug);
  const limit = readTokenLimit(body) ?? Infinity;
  if (calls.length === 0) return { ...generateText(body, limit), calls };
  if (countTokens({ words: [], calls }) > limit) {
    const cut = calls.slice(0, 1).map((call) => ({ ...call, pieces: call.pieces.slice(0, limit) }));
    return { words: [], calls: cut, finishReason: "length" };
  }
  // As OpenAI has it: who names the tool knows of the call.
  return { words: [], calls, finishReason: readNamedChoice(body) === undefined ? "tool_calls" : "stop" };
}

function generateText(body: ChatBody, limit: number): Omit<Generation, "calls"> {
  const form = composeForm(body);
  const whole = form ?? steerText(composeText(readMessages(body)), body);
  const stops = [body["stop"]].flat().filter((stop): stop is string => typeof stop === "string" && stop !== "");
  const cuts = stops.map((stop) => whole.indexOf(stop)).filter((at) => at >= 0);
  const text = whole.slice(0, Math.min(whole.length, ...cuts));
  const words = form === null ? splitWords(text) : splitPieces(text);
  return words.length > limit
    ? { words: words.slice(0, limit), finishReason: "length" }
    : { words, finishReason: "stop" };
}

/** The text that `response_format` asks for; null when it asks for none. */
function composeForm(body: ChatBody): string | null {
  const { type } = readFormat(body);
  if (type === "json_object") return JSON.stringify({ reply: composeText(readMessages(body)) });
  return type === "json_schema" ? JSON.stringify(sampleSchema(readSchemaFormat(body)["schema"])) : null;
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

function countTokens({ words, calls }: Pick<Generation, "words" | "calls">): number {
  return words.length + calls.reduce((sum, { pieces }) => sum + pieces.length, 0);
}

/** Of the messages, and of the tools that are offered. */
function countPromptTokens(body: ChatBody): number {
  const tools = body["tools"] ? splitWords(JSON.stringify(body["tools"])).length : 0;
  const add = (sum: number, message: ChatBody): number => sum + 1 + splitWords(readText(message["content"])).length;
  return readMessages(body).reduce(add, tools);
}

/** A token is a word with its leading blank here. */
export function splitWords(text: string): readonly string[] {
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
