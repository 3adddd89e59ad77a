/** An answer as bytes through the whole of relaying but its socket, in one piece or byte by byte. */

import type { RelayEvent, RelayRequest } from "@openai-compat/core";
import { createMessageCleaner } from "../clean-message.ts";
import type { ExchangeAnswer } from "../exchange.ts";
import { relayAnswer } from "../relay-answer.ts";
import { parseBaseUrl } from "../upstream-settings.ts";
import type { OpenCall } from "../open-call.ts";
import { API_KEY, never, OUR_MODEL, relayRequest, UPSTREAM_MODEL } from "./relay.ts";

export interface BytesAnswer {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

export interface RelayBytesOptions {
  readonly request?: Partial<RelayRequest>;
  readonly isCut?: boolean;
  readonly zeroUsageBelieved?: boolean;
  readonly answerBytesMax?: number;
  readonly answerValuesMax?: number;
}

/** @throws what the call throws */
export function relayBytes(answer: BytesAnswer, options: RelayBytesOptions = {}): AsyncIterable<RelayEvent> {
  const request = relayRequest(options.request);
  const cleaner = createMessageCleaner({
    addresses: [parseBaseUrl("http://gpu.internal:8000/v1")],
    model: UPSTREAM_MODEL,
    apiKey: API_KEY,
  });
  return relayAnswer({
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
    errorContext: { cleaner, modelId: OUR_MODEL, includeUsage: request.includeUsage },
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
  const target = { open: async () => answer, close: async () => {} };
  return { answer, lease: { target, begin: () => {}, end: () => {} } };
}
