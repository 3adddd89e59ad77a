/** The upstream's counts, whichever of the API's forms they have. It estimates nothing. */

import { NO_USAGE, type UsageUnits } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";

/**
 * @param usage `usage` of a completion, an embedding, a transcription (tokens or duration) or their last event
 * @returns null for what is no usage at all; a count that is none reads as 0
 */
export function decodeUsage(usage: unknown): UsageUnits | null {
  if (!isRecord(usage)) return null;
  const inputTokens = decodeCount(usage["prompt_tokens"] ?? usage["input_tokens"]);
  const details = usage["prompt_tokens_details"] ?? usage["input_tokens_details"];
  const cachedTokens = isRecord(details) ? decodeCount(details["cached_tokens"]) : 0;
  return {
    ...NO_USAGE,
    inputTokens,
    cachedTokens: Math.min(cachedTokens, inputTokens),
    outputTokens: decodeCount(usage["completion_tokens"] ?? usage["output_tokens"]),
    audioMs: decodeSeconds(usage["seconds"]),
  };
}

/** A whole answer's usage: a verbose transcription says its `duration` beside the usage, or in its place. */
export function decodeAnswerUsage(answer: JsonRecord): UsageUnits | null {
  const usage = decodeUsage(answer["usage"]);
  const durationMs = decodeSeconds(answer["duration"]);
  if (durationMs === 0) return usage;
  return { ...(usage ?? NO_USAGE), audioMs: Math.max(usage?.audioMs ?? 0, durationMs) };
}

function decodeCount(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}

/** Servers send seconds as a number or, as the API once did, as a string. */
function decodeSeconds(value: unknown): number {
  const seconds = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof seconds === "number" ? decodeCount(Math.ceil(seconds * 1000)) : 0;
}
