/**
 * The events of a streamed response: pieces any number of times, then one with the whole response and its usage, which
 * is added where the upstream has not counted it. All other events pass as they are.
 */

import type { UpstreamRequest } from "@openai-compat/core";
import type { EventReader } from "./event-reader.ts";
import { isRecord } from "./json-value.ts";
import { encodeResponseUsage } from "./normalise-response.ts";
import { UpstreamError } from "./upstream-error.ts";
import { createUsageCounter } from "./usage-counter.ts";

/** What the last event is called; `failed` and `cancelled` end an answer that was computed all the same. */
const LAST = /^response\.(?:completed|incomplete|failed|cancelled)$/;

export interface ResponseReaderOptions {
  readonly request: UpstreamRequest;
  readonly zeroUsageBelieved: boolean;
}

export function createResponseEventReader({ request, zeroUsageBelieved }: ResponseReaderOptions): EventReader {
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
      if (!isRecord(response)) return [text.includes("\n") ? JSON.stringify(value) : text];
      isFinished = LAST.test(type);
      hasFailed = type === "response.failed";
      if (isFinished) counter.report(response["usage"], true);
      const usage = isFinished ? encodeResponseUsage(response["usage"], count(true)) : response["usage"];
      return [JSON.stringify({ ...value, response: { ...response, model: request.modelId, usage } })];
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
