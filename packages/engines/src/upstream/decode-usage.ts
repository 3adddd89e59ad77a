/** The upstream's counts, in any of the API's usage formats. It estimates nothing. */

import { NO_USAGE, type UsageUnits } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";

/**
 * @param usage `usage` of a completion, an embedding, a transcription (tokens or duration) or their last event
 * @returns null without usage; a malformed count becomes 0
 */
export function decodeUsage(usage: unknown): UsageUnits | null {
  if (!isRecord(usage)) return null;
  const { inputTokens, outputTokens } = decodeTokens(usage);
  const details = usage["prompt_tokens_details"] ?? usage["input_tokens_details"];
  const cachedTokens = isRecord(details) ? decodeCount(details["cached_tokens"]) : 0;
  return {
    ...NO_USAGE,
    inputTokens,
    cachedTokens: Math.min(cachedTokens, inputTokens),
    outputTokens,
    audioMs: decodeSeconds(usage["seconds"]),
  };
}

/** The usage of a complete answer: a verbose transcription has a `duration` next to the usage, or in its place. */
export function decodeAnswerUsage(answer: JsonRecord): UsageUnits | null {
  const usage = decodeUsage(answer["usage"]);
  const durationMs = decodeSeconds(answer["duration"]);
  if (durationMs === 0) return usage;
  return { ...(usage ?? NO_USAGE), audioMs: Math.max(usage?.audioMs ?? 0, durationMs) };
}

/**
 * Some upstreams report only a total, mostly of embeddings; some count reasoning in the total alone, so the excess over
 * the parts counts as output. Reasoning of more tokens than the whole output is counted beside it.
 */
function decodeTokens(usage: JsonRecord): Pick<UsageUnits, "inputTokens" | "outputTokens"> {
  const inputTokens = decodeCount(usage["prompt_tokens"] ?? usage["input_tokens"]);
  const written = decodeCount(usage["completion_tokens"] ?? usage["output_tokens"]);
  const details = usage["completion_tokens_details"] ?? usage["output_tokens_details"];
  const reasoning = isRecord(details) ? decodeCount(details["reasoning_tokens"]) : 0;
  const outputTokens = reasoning > written ? written + reasoning : written;
  const total = decodeCount(usage["total_tokens"]);
  if (inputTokens === 0) return { inputTokens: Math.max(0, total - outputTokens), outputTokens };
  return { inputTokens, outputTokens: Math.max(outputTokens, total - inputTokens) };
}

/** Upper bound of a count; a call is charged at most what was held for it. Sums of such counts are exact. */
const COUNT_MAX = 1e15;

/** Non-negative integers, also from a fraction or a string of digits. */
function decodeCount(value: unknown): number {
  const count = typeof value === "string" && /^\d+(?:\.\d+)?$/.test(value) ? Number(value) : value;
  return typeof count === "number" && count > 0 ? Math.min(Math.ceil(count), COUNT_MAX) : 0;
}

/** Servers send seconds as a number or, as the API once did, as a string. */
function decodeSeconds(value: unknown): number {
  const seconds = typeof value === "string" ? Number.parseFloat(value) : value;
  return typeof seconds === "number" ? decodeCount(Math.ceil(seconds * 1000)) : 0;
}
