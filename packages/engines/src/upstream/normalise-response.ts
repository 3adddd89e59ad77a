/** A response in one piece, and the usage of one. */

import type { UsageUnits } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { UpstreamError } from "./upstream-error.ts";

/** @param usage what is charged. @throws UpstreamError `invalid` for what is no response */
export function normaliseResponse(answer: JsonRecord, modelId: string, usage: UsageUnits): JsonRecord {
  if (!Array.isArray(answer["output"])) throw new UpstreamError("invalid", "The response has no output.");
  return { ...answer, model: modelId, usage: encodeResponseUsage(answer["usage"], usage) };
}

/** @param reported the upstream's, of which the details are kept */
export function encodeResponseUsage(reported: unknown, { inputTokens, outputTokens }: UsageUnits): JsonRecord {
  const known = isRecord(reported) ? reported : {};
  return {
    ...known,
    input_tokens: inputTokens,
    input_tokens_details: { cached_tokens: 0, ...asRecord(known["input_tokens_details"]) },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0, ...asRecord(known["output_tokens_details"]) },
    total_tokens: inputTokens + outputTokens,
  };
}

function asRecord(value: unknown): JsonRecord {
  return isRecord(value) ? value : {};
}
