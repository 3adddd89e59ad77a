/** One choice of a streamed completion, chunk by chunk, in OpenAI's format. It counts nothing. */

import type { ChunkOperationId } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { type FinishReason, isFilledText, normaliseContent, normaliseFinishReason } from "./normalise-fields.ts";
import { createToolCallTracker } from "./tool-call-tracker.ts";

const ROLE = { role: "assistant" } as const;

export interface ChoiceNormaliser {
  /** Of the choice in the answer. */
  readonly index: number;
  /**
   * @param choice it is changed, and says no reason afterwards
   * @param hasOutput whether anything was generated for it: then a reason that was said before was none yet
   */
  read(choice: JsonRecord, hasOutput: boolean): ReadChoice;
  /** Why it ended; null where the upstream has not said so. */
  reason(): FinishReason | null;
  /** The final choice, where the upstream sent no finish reason. */
  finish(): JsonRecord | null;
  hasFinished(): boolean;
}

export interface ReadChoice {
  /** Whether a choice that differs in nothing but its text would be treated the same. */
  readonly isSteady: boolean;
  /** Whether the upstream said a reason that counts. */
  readonly isEnd: boolean;
}

/**
 * Puts text that stands where the other kind of completion has it into its place. A text that is there already is kept.
 */
export function moveText(choice: JsonRecord, operation: ChunkOperationId): void {
  const { text, delta, message } = choice;
  if (operation === "createCompletion") {
    if (!isRecord(delta)) return;
    if (!isFilledText(text)) choice["text"] = delta["content"];
    delete choice["delta"];
    return;
  }
  if (text === undefined) return;
  delete choice["text"];
  const said = [delta, message].find(isRecord) ?? {};
  if (isFilledText(text) && !isFilledText(normaliseContent(said["content"])))
    choice["delta"] = { ...said, content: text };
}

/** A choice that says nothing. */
export function encodeEmptyChoice(operation: ChunkOperationId, index: number): JsonRecord {
  const body = operation === "createChatCompletion" ? { delta: {} } : { text: "" };
  return { index, ...body, logprobs: null, finish_reason: null };
}

export function createChoiceNormaliser(operation: ChunkOperationId, index: number): ChoiceNormaliser {
  const tools = createToolCallTracker();
  let hasRole = false;
  let hasContent = false;
  let reason: FinishReason | null = null;

  function readDelta(choice: JsonRecord): boolean {
    // Some upstreams repeat the whole message at the end of a stream.
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
    index,
    read(choice, hasOutput) {
      choice["index"] = index;
      const isSteady = operation === "createChatCompletion" ? readDelta(choice) : readText(choice);
      const found = normaliseFinishReason(choice["finish_reason"], tools.hasCalls());
      choice["finish_reason"] = null;
      const isEnd = found !== null && (reason === null || hasOutput);
      if (isEnd) reason = found;
      return { isSteady: isSteady && found === null, isEnd };
    },
    // Calls may come after it.
    reason: () => (reason === "stop" && tools.hasCalls() ? "tool_calls" : reason),
    finish() {
      if (reason !== null) return null;
      reason = tools.hasCalls() ? "tool_calls" : "stop";
      return { ...encodeEmptyChoice(operation, index), finish_reason: reason };
    },
    hasFinished: () => reason !== null,
  };
}
