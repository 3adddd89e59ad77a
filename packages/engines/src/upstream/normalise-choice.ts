/** One choice of a streamed completion, chunk by chunk, in OpenAI's format. It counts nothing. */

import type { ChunkOperationId } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { type FinishReason, normaliseContent, normaliseFinishReason } from "./normalise-fields.ts";
import { createToolCallTracker } from "./tool-call-tracker.ts";

const ROLE = { role: "assistant" } as const;

export interface ChoiceNormaliser {
  /**
   * @param choice it is changed
   * @returns whether a choice that differs in nothing but its text would be treated the same
   */
  read(choice: JsonRecord): boolean;
  /** The choice that ends it, where the upstream said no reason. */
  finish(): JsonRecord | null;
  hasFinished(): boolean;
}

export function createChoiceNormaliser(operation: ChunkOperationId, index: number): ChoiceNormaliser {
  const tools = createToolCallTracker();
  let hasRole = false;
  let hasContent = false;
  let reason: FinishReason | null = null;

  function readDelta(choice: JsonRecord): boolean {
    // Some end a stream with the whole message once more.
    const message = isRecord(choice["message"]) && !hasContent ? choice["message"] : {};
    const delta = isRecord(choice["delta"]) ? choice["delta"] : message;
    delete choice["message"];
    const isFirst = !hasRole;
    if (isFirst) choice["delta"] = { ...ROLE, ...delta, ...ROLE };
    else {
      delete delta["role"];
      choice["delta"] = delta;
    }
    hasRole = true;
    const isPlain = readContent(isRecord(choice["delta"]) ? choice["delta"] : delta);
    return isPlain && !isFirst;
  }

  function readContent(delta: JsonRecord): boolean {
    if ("content" in delta) {
      const content = normaliseContent(delta["content"]);
      if (content === undefined) delete delta["content"];
      else delta["content"] = content;
      hasContent ||= (content ?? "") !== "";
    }
    const { tool_calls: calls } = delta;
    if (calls === undefined) return true;
    if (Array.isArray(calls) && calls.length > 0) delta["tool_calls"] = tools.read(calls);
    else delete delta["tool_calls"];
    return !Array.isArray(calls) || calls.length === 0;
  }

  function readText(choice: JsonRecord): boolean {
    choice["text"] = normaliseContent(choice["text"]) ?? "";
    if (choice["logprobs"] === undefined) choice["logprobs"] = null;
    return true;
  }

  return {
    read(choice) {
      choice["index"] = index;
      const isSteady = operation === "createChatCompletion" ? readDelta(choice) : readText(choice);
      const found = normaliseFinishReason(choice["finish_reason"], tools.hasCalls());
      choice["finish_reason"] = reason === null ? found : null;
      reason ??= found;
      return isSteady && found === null;
    },
    finish() {
      if (reason !== null) return null;
      reason = tools.hasCalls() ? "tool_calls" : "stop";
      const body = operation === "createChatCompletion" ? { delta: {} } : { text: "" };
      return { index, ...body, logprobs: null, finish_reason: reason };
    },
    hasFinished: () => reason !== null,
  };
}
