/**
 * Parses a non-streaming answer to a JSON object that is not an error. It is bounded before it is parsed.
 */

import { MODEL_OPERATIONS } from "@openai-compat/core";
import type { UpstreamRequest } from "@openai-compat/core";
import { isErrorBody } from "./decode-error-body.ts";
import { decodeUpstreamError, type UpstreamErrorContext } from "./decode-error.ts";
import { hasMoreValues } from "./json-bound.ts";
import { type JsonRecord, parseRecord } from "./json-value.ts";
import { UpstreamError } from "./upstream-error.ts";

export interface ParseOptions {
  readonly request: UpstreamRequest;
  readonly answerValuesMax: number;
  readonly errorContext: UpstreamErrorContext;
}

export interface ParsedAnswer {
  /** Of `value` and nothing else. */
  readonly text: string;
  readonly value: JsonRecord;
}

/** Vectors are long, and numbers quick to parse. */
const EMBEDDING_VALUES_FACTOR = 16;

/** Some upstreams append `[DONE]` to every answer. */
const GLUED_DONE = /\s*data:\s*\[DONE\]\s*$/;

/** @throws UpstreamError `invalid` for what is no JSON object or holds too many values; AiError for an error */
export function parseAnswer(bytes: Uint8Array, { request, answerValuesMax, errorContext }: ParseOptions): ParsedAnswer {
  const valuesMax =
    answerValuesMax * (MODEL_OPERATIONS[request.operation].answer === "vectors" ? EMBEDDING_VALUES_FACTOR : 1);
  if (hasMoreValues(bytes, valuesMax)) {
    throw new UpstreamError("invalid", `The answer holds more than ${valuesMax} values (see answerValuesMax).`);
  }
  let text = decodeText(bytes);
  let value = parseRecord(text);
  if (value === null) {
    text = text.replace(GLUED_DONE, "");
    value = parseRecord(text);
  }
  if (value === null) throw toError(text, errorContext);
  if (isErrorBody(value)) throw decodeUpstreamError({ status: null, headers: {}, body: text }, errorContext);
  return { text, value };
}

const BYTE_ORDER_MARK = "\uFEFF";

/** UTF-8 without a byte order mark. */
export function decodeText(bytes: Uint8Array): string {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8");
  return text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text;
}

/** A list may hold an error too. */
function toError(text: string, errorContext: UpstreamErrorContext): Error {
  const listed = parseRecord(text.replace(/^\s*\[/, "").replace(/\]\s*$/, ""));
  if (text.trimStart().startsWith("[") && listed !== null && isErrorBody(listed)) {
    return decodeUpstreamError({ status: null, headers: {}, body: text }, errorContext);
  }
  return new UpstreamError("invalid", "The answer is no JSON object.");
}
