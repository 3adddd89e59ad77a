/** An upstream's chat in pieces, chunk by chunk, and in one piece: as the events of an answer. */

import { AiError } from "@openai-compat/core";
import type { ChatUsage, TokenLogprob, TokenProbability } from "@openai-compat/core";
import type { FinishReason as WireFinishReason } from "@openai-compat/spec";
import type { AnswerEvent } from "./answer-event.ts";
import type { AnswerCall, AnswerMessage, AnswerToken, AnswerUsage, ChatAnswer, ChatChunk } from "./chat-answer.ts";
import { createCallOrder } from "./order-calls.ts";

/** A chat has one choice here. */
const index = 0;

export interface ChunkMapper {
  push(chunk: ChatChunk): readonly AnswerEvent[];
  /** Called when nothing follows. @throws AiError `upstream_failed` where the answer is not complete */
  end(): readonly AnswerEvent[];
  isComplete(): boolean;
}

export function createChunkMapper(): ChunkMapper {
  const calls = new Set<number>();
  const order = createCallOrder();
  let finishReason: WireFinishReason | null = null;
  let usage: ChatChunk["usage"] = null;
  let isComplete = false;
  const mapPiece = (piece: AnswerCall): readonly AnswerEvent[] => {
    const callIndex = piece.index ?? 0;
    const [start, ...more] = mapCall(piece, callIndex);
    if (calls.has(callIndex)) return more;
    calls.add(callIndex);
    return start === undefined ? more : [start, ...more];
  };
  return {
    push(chunk) {
      usage = chunk.usage ?? usage;
      const choice = chunk.choices.find((candidate) => candidate.index === index);
      if (choice === undefined) return [];
      finishReason = choice.finish_reason ?? finishReason;
      const { delta, logprobs } = choice;
      const events = [...mapTexts(delta, logprobs?.content), ...(delta.tool_calls ?? []).flatMap(mapPiece)];
      return events.flatMap((event) => order.push(event));
    },
    end() {
      if (finishReason === null) throw notAnswered();
      isComplete = true;
      return [...order.end(), ...mapEnd(finishReason, usage)];
    },
    isComplete: () => isComplete,
  };
}

/** @throws AiError `upstream_failed` for an answer without a choice */
export function listAnswerEvents({ choices: [choice], usage }: ChatAnswer): readonly AnswerEvent[] {
  if (choice === undefined) throw notAnswered();
  const { message, logprobs, finish_reason: finishReason } = choice;
  return [
    ...mapTexts(message, logprobs?.content),
    ...(message.tool_calls ?? []).flatMap(mapCall),
    ...mapEnd(finishReason, usage),
  ];
}

export function notAnswered(): AiError {
  return new AiError("upstream_failed", "The upstream's answer ended before it was complete. Please try again.");
}

/** Tokens without a text, such as those of a character that is not whole yet, are kept. */
function mapTexts(message: AnswerMessage, tokens: readonly AnswerToken[] | null | undefined): AnswerEvent[] {
  const { content, refusal } = message;
  const reasoning = readReasoning(message);
  const logprobs = tokens?.map(mapToken) ?? null;
  const events: AnswerEvent[] = [];
  if (reasoning !== "") events.push({ type: "reasoning-delta", index, text: reasoning });
  if (isFilled(content) || (logprobs !== null && logprobs.length > 0)) {
    events.push({ type: "text-delta", index, text: content ?? "", logprobs });
  }
  if (isFilled(refusal)) events.push({ type: "refusal-delta", index, text: refusal });
  return events;
}

/** Servers of open models send it beside the content, under one of two names. */
function readReasoning({ reasoning_content, reasoning }: AnswerMessage): string {
  return [reasoning_content, reasoning].find((value) => typeof value === "string" && isFilled(value)) ?? "";
}

function isFilled(text: string | null | undefined): text is string {
  return text !== null && text !== undefined && text !== "";
}

function mapToken({ top_logprobs: top, ...token }: AnswerToken): TokenLogprob {
  return { ...mapProbability(token), top: (top ?? []).map(mapProbability) };
}

function mapProbability({ token, logprob, bytes }: Pick<AnswerToken, "token" | "logprob" | "bytes">): TokenProbability {
  return { text: token, logprob, bytes: bytes ?? [...Buffer.from(token)] };
}

/** The beginning of the call, and its arguments where it has some. */
function mapCall({ id = "", custom, function: called }: AnswerCall, callIndex: number): AnswerEvent[] {
  const isCustom = custom !== undefined && custom !== null;
  const kind = isCustom ? "custom" : "function";
  const text = isCustom ? custom.input : called?.arguments;
  const name = (isCustom ? custom.name : called?.name) ?? "";
  const start: AnswerEvent = { type: "tool-call-start", index, callIndex, id, kind, name };
  return isFilled(text) ? [start, { type: "tool-call-delta", index, callIndex, kind, text }] : [start];
}

const FINISH_REASONS = {
  stop: "stop",
  length: "length",
  tool_calls: "tool-calls",
  function_call: "tool-calls",
  content_filter: "content-filter",
} as const satisfies Readonly<Record<WireFinishReason, string>>;

function mapEnd(finishReason: WireFinishReason, usage: AnswerUsage | null | undefined): readonly AnswerEvent[] {
  return [
    { type: "choice-end", index, finishReason: FINISH_REASONS[finishReason] },
    { type: "chat-end", usage: mapUsage(usage) },
  ];
}

function mapUsage(usage: AnswerUsage | null | undefined): ChatUsage {
  return {
    promptTokens: usage?.prompt_tokens ?? 0,
    completionTokens: usage?.completion_tokens ?? 0,
    cachedTokens: usage?.prompt_tokens_details?.cached_tokens ?? 0,
    reasoningTokens: usage?.completion_tokens_details?.reasoning_tokens ?? 0,
  };
}
