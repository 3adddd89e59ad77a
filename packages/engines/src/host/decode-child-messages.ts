/** Whether what a process of a native model sent is a list of its messages. What an answer or an event holds is the model's to say. */

import { AI_ERROR_CODES, isRecord } from "@openai-compat/core";
import type { ChildMessage } from "./host-protocol.ts";

type MessageType = ChildMessage["type"];
type Shape = (message: Readonly<Record<string, unknown>>) => boolean;

/** @returns null for anything else */
export function decodeChildMessages(value: unknown): readonly ChildMessage[] | null {
  return isChildMessages(value) ? value : null;
}

const hasId: Shape = ({ id }) => Number.isSafeInteger(id);

const SHAPES: Readonly<Record<MessageType, Shape>> = {
  opened: ({ answers, streams }) => isTexts(answers) && isTexts(streams),
  "open-failed": ({ error }) => isErrorData(error),
  answer: hasId,
  event: hasId,
  end: hasId,
  failed: (message) => hasId(message) && (message["error"] === null || isErrorData(message["error"])),
  pong: ({ rssBytes }) => typeof rssBytes === "number" && Number.isFinite(rssBytes),
  log: ({ level, line }) => (level === "warn" || level === "error") && typeof line === "string",
};

function isChildMessages(value: unknown): value is readonly ChildMessage[] {
  return Array.isArray(value) && value.every(isChildMessage);
}

function isChildMessage(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { type } = value;
  return isMessageType(type) && SHAPES[type](value);
}

function isMessageType(type: unknown): type is MessageType {
  return typeof type === "string" && Object.hasOwn(SHAPES, type);
}

function isTexts(value: unknown): boolean {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}

/** As `AiErrorData`; its causes as `ThrownData`. */
function isErrorData(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { code, message, param, retryAfterMs, stack, cause } = value;
  return (
    AI_ERROR_CODES.some((known) => known === code) &&
    typeof message === "string" &&
    isTextOrNull(param) &&
    (retryAfterMs === null || typeof retryAfterMs === "number") &&
    isTextOrNull(stack) &&
    (cause === null || isThrownData(cause))
  );
}

function isThrownData(value: unknown): boolean {
  if (!isRecord(value)) return false;
  const { name, message, stack, code, cause, errors } = value;
  return (
    typeof name === "string" &&
    typeof message === "string" &&
    isTextOrNull(stack) &&
    isTextOrNull(code) &&
    (cause === null || isThrownData(cause)) &&
    Array.isArray(errors) &&
    errors.every(isThrownData)
  );
}

function isTextOrNull(value: unknown): boolean {
  return value === null || typeof value === "string";
}
