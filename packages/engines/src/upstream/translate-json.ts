/** An answer in one JSON object: read whole, checked, its model renamed, its usage read. */

import { NO_USAGE, type RelayRequest, type UsageUnits } from "@openai-compat/core";
import type { AnswerTranslator } from "./answer-translator.ts";
import { decodeUpstreamError, isErrorBody, type UpstreamErrorContext } from "./decode-error.ts";
import { decodeAnswerUsage } from "./decode-usage.ts";
import { estimateInputTokens, estimateOutputTokens } from "./estimate-tokens.ts";
import { type JsonRecord, parseRecord } from "./json-value.ts";
import { createModelReplacer } from "./model-replacer.ts";
import { UpstreamFault } from "./upstream-fault.ts";

export function createJsonTranslator(request: RelayRequest, errorContext: UpstreamErrorContext): AnswerTranslator {
  const chunks: Uint8Array[] = [];
  return {
    push(more) {
      chunks.push(...more);
      return [];
    },
    *end() {
      const text = Buffer.concat(chunks).toString("utf8");
      const answer = parseRecord(text);
      if (answer === null) throw new UpstreamFault("invalid", "The answer is no JSON object.");
      if (isErrorBody(answer)) throw decodeUpstreamError({ status: null, headers: {}, body: answer }, errorContext);
      const usage = readUsage(answer, request);
      const bytes = Buffer.from(createModelReplacer(request.modelId)(text, answer));
      yield { type: "relay-whole", contentType: "application/json", bytes, usage };
    },
    isComplete: () => false,
  };
}

/** The upstream's counts; where it left out the tokens, an estimate from below. */
function readUsage(answer: JsonRecord, request: RelayRequest): UsageUnits {
  const usage = decodeAnswerUsage(answer) ?? NO_USAGE;
  return {
    ...usage,
    inputTokens: usage.inputTokens || estimateInputTokens(request),
    outputTokens: usage.outputTokens || estimateOutputTokens(answer),
  };
}
