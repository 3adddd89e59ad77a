/** A whole completion to OpenAI's `text_completion` object. */

import type { CompletionResult, CompletionRun, FinishReason } from "@openai-compat/core";
import type { CompletionFinishReason, CreateCompletionResponse } from "@openai-compat/spec";
import { encodeUsage } from "../encode-usage.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

export function encodeCompletion(run: CompletionRun, result: CompletionResult): CreateCompletionResponse {
  return {
    ...encodeBase(run),
    choices: result.choices.map(({ text, index, logprobs, finishReason }) => ({
      text,
      index,
      logprobs: encodeLogprobs(logprobs, 0),
      finish_reason: encodeFinishReason(finishReason),
    })),
    usage: encodeUsage(result.usage),
  };
}

/** What an answer and all chunks of a stream have in common. */
export function encodeBase(run: CompletionRun): Pick<CreateCompletionResponse, "id" | "object" | "created" | "model"> {
  return {
    id: run.id,
    object: "text_completion",
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
  };
}

/** A completion calls no tools, so a text that ended by itself has just stopped. */
export function encodeFinishReason(reason: FinishReason): CompletionFinishReason {
  return reason === "length" ? "length" : "stop";
}
