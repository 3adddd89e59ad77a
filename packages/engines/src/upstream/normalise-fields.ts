/** Normalises single fields of an upstream's answer to OpenAI's API. */

import { randomBytes } from "node:crypto";
import type { ChunkOperationId, UsageUnits } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { UpstreamError } from "./upstream-error.ts";

export const CHUNK_OBJECTS: Readonly<Record<ChunkOperationId, string>> = {
  createChatCompletion: "chat.completion.chunk",
  createCompletion: "text_completion",
};

export const ANSWER_OBJECTS: Readonly<Record<ChunkOperationId, string>> = {
  createChatCompletion: "chat.completion",
  createCompletion: "text_completion",
};

const ID_PREFIXES: Readonly<Record<ChunkOperationId, string>> = {
  createChatCompletion: "chatcmpl-",
  createCompletion: "cmpl-",
};

export function createAnswerId(operation: ChunkOperationId): string {
  return ID_PREFIXES[operation] + randomBytes(16).toString("hex");
}

export function createCallId(): string {
  return `call_${randomBytes(12).toString("hex")}`;
}

export function isFilledText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}

export function isIndex(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

/** In the year 5138; a larger number is in milliseconds. */
const SECONDS_MAX = 100_000_000_000;

/** Seconds since the epoch; the current time for a malformed value. */
export function normaliseCreated(created: unknown): number {
  const value = typeof created === "string" && created.trim() !== "" ? Number(created) : created;
  if (typeof value !== "number" || !Number.isFinite(value) || value < 0) return Math.floor(Date.now() / 1000);
  return Math.floor(value > SECONDS_MAX ? value / 1000 : value);
}

export type FinishReason = "stop" | "length" | "tool_calls" | "content_filter" | "function_call";

const FINISH_REASONS: Readonly<Record<string, FinishReason>> = {
  stop: "stop",
  length: "length",
  tool_calls: "tool_calls",
  content_filter: "content_filter",
  function_call: "function_call",
  max_tokens: "length",
  max_length: "length",
  max_output_tokens: "length",
  model_length: "length",
  tool_call: "tool_calls",
  tool_use: "tool_calls",
  function_calls: "tool_calls",
  safety: "content_filter",
  recitation: "content_filter",
  refusal: "content_filter",
  blocklist: "content_filter",
  prohibited_content: "content_filter",
  sensitive: "content_filter",
};

/** Finish reasons of a failed generation; such an answer must not look complete. */
const FAILED = /^(?:error|abort|aborted|failed|cancelled|insufficient_system_resource)$/;

/**
 * @param hasCalls whether the choice holds calls of tools
 * @returns null for none: missing, null, empty. An unknown reason becomes `stop`
 * @throws UpstreamError `broken` for one that says that the generation failed
 */
export function normaliseFinishReason(reason: unknown, hasCalls: boolean): FinishReason | null {
  if (!isFilledText(reason)) return null;
  const word = reason.toLowerCase().replaceAll(/[\s-]+/g, "_");
  if (FAILED.test(word)) throw new UpstreamError("broken", "The upstream ended its answer with an error.");
  const known = FINISH_REASONS[word] ?? "stop";
  if (known === "stop" && hasCalls) return "tool_calls";
  return known === "tool_calls" && !hasCalls ? "stop" : known;
}

/** Content as text: parts are joined. Null stays null. @returns undefined for what holds no text */
export function normaliseContent(content: unknown): string | null | undefined {
  if (content === null || content === undefined || typeof content === "string") return content;
  if (Array.isArray(content)) return content.map(readPartText).join("");
  if (isRecord(content)) return readPartText(content);
  return typeof content === "number" || typeof content === "boolean" ? String(content) : undefined;
}

/** Reasoning is not content. */
function readPartText(part: unknown): string {
  if (typeof part === "string") return part;
  if (!isRecord(part) || part["type"] === "thinking" || part["type"] === "reasoning") return "";
  return typeof part["text"] === "string" ? part["text"] : "";
}

/** A function's arguments as a JSON text, also where the upstream sent an object. */
export function normaliseArguments(value: unknown): string {
  if (typeof value === "string") return value;
  return value === null || value === undefined ? "" : JSON.stringify(value);
}

/** @param usage the upstream's, null where it reported none. @param units what is charged */
export function encodeUsage(usage: JsonRecord | null, units: UsageUnits): JsonRecord {
  const { inputTokens, outputTokens } = units;
  return {
    ...usage,
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: inputTokens + outputTokens,
  };
}
