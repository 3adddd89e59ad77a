/** A whole chat to OpenAI's `chat.completion` object. */

import type { ChatChoice, ChatResult, ChatRun, TokenLogprob, WorkSlices } from "@openai-compat/core";
import type { CreateChatCompletionResponse } from "@openai-compat/spec";
import { encodeUsage } from "../encode-usage.ts";
import { FINISH_REASONS } from "./encode-finish-reason.ts";
import { printList, printObject } from "../print-json.ts";
import { encodeTokenLogprob } from "./encode-logprobs.ts";

export interface ChatAnswerOptions {
  /** Whether log probabilities were asked for: an answer without text then has none, in a list. */
  readonly hasLogprobs: boolean;
  readonly slices: WorkSlices;
}

/** @returns the JSON text. @throws what `slices` throws */
export async function encodeChatCompletion(
  run: ChatRun,
  result: ChatResult,
  { hasLogprobs, slices }: ChatAnswerOptions,
): Promise<string> {
  const answer: Omit<Answer, "choices"> = {
    id: run.id,
    object: "chat.completion",
    created: Math.floor(run.createdAtMs / 1000),
    model: run.modelId,
    usage: encodeUsage(result.usage),
  };
  const encodeChoice = async (choice: ChatChoice): Promise<string> => {
    const encoded: Omit<Answer["choices"][number], "logprobs"> = {
      index: choice.index,
      message: encodeMessage(choice),
      finish_reason: FINISH_REASONS[choice.finishReason],
    };
    const logprobs = choice.logprobs ?? (hasLogprobs ? [] : null);
    return printObject(encoded, {
      logprobs: logprobs === null ? "null" : await encodeAnswerLogprobs(logprobs, slices),
    });
  };
  return printObject(answer, { choices: await printList(result.choices, encodeChoice, slices) });
}

type Answer = CreateChatCompletionResponse;

/** A long answer's are megabytes. */
async function encodeAnswerLogprobs(logprobs: readonly TokenLogprob[], slices: WorkSlices): Promise<string> {
  const content = await printList(logprobs, (token) => JSON.stringify(encodeTokenLogprob(token)), slices);
  return printObject({ refusal: null }, { content });
}

type Message = CreateChatCompletionResponse["choices"][number]["message"];

/** `reasoning_content` is no field of OpenAI's, but what clients of open models read reasoning from. */
function encodeMessage({ text, reasoning, toolCalls }: ChatChoice): Message {
  return {
    role: "assistant",
    content: text === "" && toolCalls.length > 0 ? null : text,
    refusal: null,
    annotations: [],
    ...(reasoning === "" ? {} : { reasoning_content: reasoning }),
    ...(toolCalls.length === 0
      ? {}
      : {
          tool_calls: toolCalls.map(({ id, kind, name, text: said }) =>
            kind === "custom"
              ? { id, type: kind, custom: { name, input: said } }
              : { id, type: kind, function: { name, arguments: said } },
          ),
        }),
  };
}
