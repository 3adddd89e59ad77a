/** A non-streaming completion in OpenAI's format, whatever the upstream sent. It does not read usage. */

import { AiError } from "@openai-compat/core";
import type { ChunkOperationId } from "@openai-compat/core";
import { isRecord, type JsonRecord } from "./json-value.ts";
import {
  ANSWER_OBJECTS,
  createAnswerId,
  isFilledText,
  isIndex,
  normaliseContent,
  normaliseCreated,
  normaliseFinishReason,
} from "./normalise-fields.ts";
import { normaliseToolCalls } from "./tool-call-tracker.ts";
import { UpstreamError } from "./upstream-error.ts";

/** @throws UpstreamError `invalid` for an answer without a choice, `broken` for one that reports a failure */
export function normaliseAnswer(answer: JsonRecord, operation: ChunkOperationId, modelId: string): JsonRecord {
  const choices = Array.isArray(answer["choices"]) ? answer["choices"].filter(isRecord) : [];
  if (choices.length === 0) throw new UpstreamError("invalid", "The answer has no choices.");
  const indexes = new Set(choices.map((choice) => choice["index"]));
  const areNumbered = indexes.size === choices.length && choices.every((choice) => isIndex(choice["index"]));
  return {
    ...answer,
    id: isFilledText(answer["id"]) ? answer["id"] : createAnswerId(operation),
    object: ANSWER_OBJECTS[operation],
    created: normaliseCreated(answer["created"]),
    model: modelId,
    choices: choices.map((choice, position) => ({
      ...normaliseChoice(choice, operation),
      ...(areNumbered ? null : { index: position }),
    })),
  };
}

/**
 * Whether only the model's name has to be replaced, as in nearly every answer. May be false for a valid answer.
 */
export function isNormalAnswer(answer: JsonRecord, operation: ChunkOperationId): boolean {
  const { id, object, created, choices } = answer;
  if (!isFilledText(id) || object !== ANSWER_OBJECTS[operation] || !isIndex(created)) return false;
  if (created !== normaliseCreated(created) || typeof answer["model"] !== "string" || !Array.isArray(choices))
    return false;
  return choices.every((choice, position) => isNormalChoice(choice, position, operation));
}

/** Finish reasons of a choice without calls. */
const PLAIN_REASONS: readonly unknown[] = ["stop", "length", "content_filter"];

function isNormalChoice(choice: unknown, position: number, operation: ChunkOperationId): boolean {
  if (!isRecord(choice) || choice["index"] !== position || !PLAIN_REASONS.includes(choice["finish_reason"]))
    return false;
  const { message, text } = choice;
  if (operation === "createCompletion") {
    return (
      typeof text === "string" &&
      choice["logprobs"] !== undefined &&
      message === undefined &&
      choice["delta"] === undefined
    );
  }
  if (!isRecord(message) || text !== undefined || choice["delta"] !== undefined) return false;
  const { role, content, tool_calls: calls } = message;
  return role === "assistant" && (typeof content === "string" || content === null) && calls === undefined;
}

function normaliseChoice(choice: JsonRecord, operation: ChunkOperationId): JsonRecord {
  if (operation === "createCompletion") {
    const { message, delta, ...rest } = choice;
    const said = [message, delta].find(isRecord) ?? {};
    const text = [choice["text"], said["content"]].map(normaliseContent).find(isFilledText) ?? "";
    const reason = normaliseFinishReason(choice["finish_reason"], false) ?? "stop";
    return { ...rest, text, logprobs: choice["logprobs"] ?? null, finish_reason: reason };
  }
  const { delta, text, ...rest } = choice;
  const said = [choice["message"], delta].find(isRecord) ?? {};
  const hasContent = isFilledText(normaliseContent(said["content"]));
  const message = normaliseMessage(isFilledText(text) && !hasContent ? { ...said, content: text } : said);
  const hasCalls = Array.isArray(message["tool_calls"]);
  return {
    ...rest,
    message,
    finish_reason: normaliseFinishReason(choice["finish_reason"], hasCalls) ?? (hasCalls ? "tool_calls" : "stop"),
  };
}

function normaliseMessage({ tool_calls: calls, ...message }: JsonRecord): JsonRecord {
  const content = normaliseContent(message["content"]) ?? null;
  const called = Array.isArray(calls) ? normaliseToolCalls(calls) : [];
  return { ...message, role: "assistant", content, ...(called.length > 0 ? { tool_calls: called } : null) };
}

/** `n` was ignored: the caller would get fewer answers than requested. */
export function tooFewChoices(made: number, requested: number): AiError {
  const message = `The model gave ${made} of ${requested} answers: it does not support 'n'.`;
  return new AiError("unsupported_parameter", message, { param: "n" });
}
