/**
 * The events of a streamed response: pieces any number of times, then one with the whole response and its usage, which
 * is added where the upstream has not counted it. All other events pass as they are.
 */

import type { UpstreamRequest } from "@openai-compat/core";
import { decodeUpstreamError, type UpstreamErrorContext } from "./decode-error.ts";
import type { EventReader } from "./event-reader.ts";
import { isRecord, type JsonRecord } from "./json-value.ts";
import { encodeResponseUsage } from "./normalise-response.ts";
import { UpstreamError } from "./upstream-error.ts";
import { createUsageCounter } from "./usage-counter.ts";

/** What the last event is called; `failed` and `cancelled` end an answer that was computed all the same. */
const LAST = /^response\.(?:completed|incomplete|failed|cancelled)$/;

export interface ResponseReaderOptions {
  readonly request: UpstreamRequest;
  readonly zeroUsageBelieved: boolean;
  readonly errorContext: UpstreamErrorContext;
}

export function createResponseEventReader(options: ResponseReaderOptions): EventReader {
  const { request, zeroUsageBelieved, errorContext } = options;
  const counter = createUsageCounter(request, zeroUsageBelieved);
  let isFinished = false;
  let hasFailed = false;
  // What failed before anything came of it has used nothing, unless the upstream says so.
  const count = (isOver: boolean) => counter.usage(isOver && !hasFailed);
  return {
    endsWithDone: false,
    tryFastPath: () => null,
    read(text, value) {
      const { type, delta, response } = value;
      // Pings have no type, or the type `ping`.
      if (typeof type !== "string" || type === "ping") return [];
      // Nothing may follow the last event.
      if (isFinished) return [];
      if (typeof delta === "string" && delta !== "") counter.addOutput(delta);
      if (!isRecord(response) && LAST.test(type)) {
        throw new UpstreamError("invalid", "The last event has no response.");
      }
      if (!isRecord(response)) return [text.includes("\n") ? JSON.stringify(value) : text];
      isFinished = LAST.test(type);
      hasFailed = type === "response.failed";
      if (isFinished) counter.report(response["usage"], true);
      const usage = isFinished ? encodeResponseUsage(response["usage"], count(true)) : response["usage"];
      const failure = hasFailed ? { error: encodeFailure(response["error"], errorContext) } : {};
      return [JSON.stringify({ ...value, response: { ...response, ...failure, model: request.modelId, usage } })];
    },
    end() {
      if (!isFinished) throw new UpstreamError("broken", "The stream ended before the response did.");
      return [];
    },
    usage: count,
    source: () => counter.source(),
    isFinished: () => isFinished,
  };
}

/** Codes that say what the caller can do; any other may be about the operator's key, quota or address. */
const SHOWN_CODES = /^(?:rate_limit_exceeded|context_length_exceeded|vector_store_timeout|invalid_prompt|\w*image\w*)$/;
const CALLERS_CODES = /^(?:invalid_prompt|\w*image\w*)$/;

/** As for an error that has a status: the caller's own mistake is described, in redacted words. */
function encodeFailure(error: unknown, context: UpstreamErrorContext): JsonRecord {
  const { code, message } = isRecord(error) ? error : {};
  const shown = typeof code === "string" && SHOWN_CODES.test(code) ? code : "server_error";
  const type = CALLERS_CODES.test(shown) ? "invalid_request_error" : shown;
  const body = JSON.stringify({ error: { message, type, code: shown } });
  return { code: shown, message: decodeUpstreamError({ status: null, headers: {}, body }, context).message };
}
