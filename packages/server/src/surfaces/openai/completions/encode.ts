/** A whole completion to OpenAI's `text_completion` object. */

import type { CompletionResult, CompletionRun, FinishReason, WorkSlices } from "@openai-compat/core";
import type { CompletionFinishReason, CreateCompletionResponse } from "@openai-compat/spec";
import { encodeUsage } from "../encode-usage.ts";
import { printList, printObject } from "../print-json.ts";
import { encodeLogprobs } from "./encode-logprobs.ts";

/** @returns the JSON text. @throws what `slices` throws */
export async function encodeCompletion(
  run: CompletionRun,
  result: CompletionResult,
  slices: WorkSlices,
): Promise<string> {
  const answer: Omit<CreateCompletionResponse, "choices"> = { ...encodeBase(run), usage: encodeUsage(result.usage) };
  return printObject(answer, { choices: await printList(result.choices, encodeChoice, slices) });
}

function encodeChoice({ text, index, logprobs, finishReason }: CompletionResult["choices"][number]): string {
  const choice: CreateCompletionResponse["choices"][number] = {
    text,
    index,
    logprobs: encodeLogprobs(logprobs, 0),
    finish_reason: encodeFinishReason(finishReason),
  };
  return JSON.stringify(choice);
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
