/** Passes the bytes of an answer through the whole translation without a socket, at once or byte by byte. */

import type { UpstreamEvent, UpstreamRequest } from "@openai-compat/core";
import { createMessageRedactor } from "../message-redactor.ts";
import type { ExchangeAnswer } from "../exchange.ts";
import { streamUpstreamEvents } from "../upstream-events.ts";
import { parseBaseUrl } from "../upstream-settings.ts";
import type { OpenCall } from "../open-call.ts";
import { API_KEY, never, OUR_MODEL, upstreamRequest, UPSTREAM_MODEL } from "./upstream-calls.ts";

export interface BytesAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface StreamBytesOptions {
  readonly request?: Partial<UpstreamRequest>;
  readonly isCut?: boolean;
  readonly zeroUsageBelieved?: boolean;
  readonly answerBytesMax?: number;
  readonly answerValuesMax?: number;
}

/** @throws what the call throws */
export function streamBytes(answer: BytesAnswer, options: StreamBytesOptions = {}): AsyncIterable<UpstreamEvent> {
  const request = upstreamRequest(options.request);
  const redactor = createMessageRedactor({
    addresses: [parseBaseUrl("http://gpu.internal:8000/v1")],
    model: UPSTREAM_MODEL,
    apiKey: API_KEY,
  });
  return streamUpstreamEvents({
    open: async ({ onSent }) => {
      onSent();
      return openBytes(answer, options.isCut === true);
    },
    request,
    signal: never,
    usageWaitMs: 1000,
    answerBytesMax: options.answerBytesMax ?? 1_000_000,
    answerValuesMax: options.answerValuesMax ?? 10_000,
    eventBytesMax: 1_000_000,
    zeroUsageBelieved: options.zeroUsageBelieved ?? false,
    droppedParameters: [],
    errorContext: { redactor, operation: request.operation, modelId: OUR_MODEL, includeUsage: request.includeUsage },
  });
}

function openBytes({ status = 200, headers = {}, body }: BytesAnswer, isCut: boolean): OpenCall {
  const bytes = Buffer.from(body);
  const size = isCut ? 1 : Math.max(1, bytes.length);
  let at = 0;
  const answer: ExchangeAnswer = {
    status,
    headers,
    async read() {
      if (at >= bytes.length) return null;
      at += size;
      return [bytes.subarray(at - size, at)];
    },
    finish: () => {},
    leave: () => {},
  };
  const connect = async () => {
    throw new Error("No session is opened here.");
  };
  const target = { open: async () => answer, connect, close: async () => {} };
  return { answer, lease: { target, markResponseStarted: () => {}, end: () => {} } };
}
