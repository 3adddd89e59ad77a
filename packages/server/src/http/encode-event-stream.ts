/** A run's events to server-sent events, and what every stream has in common: its ends, good and bad, and its padding. */

import { randomBytes } from "node:crypto";
import { toAiError } from "@openai-compat/core";
import type { AiError } from "@openai-compat/core";
import { encodeErrorEnvelope } from "./protocol/encode-error.ts";
import { SSE_DONE, encodeSseEvent } from "../../http/sse.ts";

export interface StreamEnding {
  /** The call's own: when it has aborted, that is why the stream broke. */
  readonly signal: AbortSignal;
  readonly onError: (error: AiError) => void;
}

/**
 * Encoded server-sent events. A failure after the first becomes an event with the error envelope, and no `[DONE]`
 * follows it: a stream that broke must not look whole. `onError` is told of it.
 *
 * @param encode null for an event that is not told.
 */
export async function* encodeEventStream<Event>(
  events: AsyncIterable<Event>,
  encode: (event: Event) => object | null,
  { signal, onError }: StreamEnding,
): AsyncGenerator<string, void> {
  try {
    for await (const event of events) {
      const chunk = encode(event);
      if (chunk !== null) yield encodeSseEvent(chunk);
    }
    yield SSE_DONE;
  } catch (thrown) {
    const error = toAiError(thrown, signal);
    onError(error);
    yield encodeSseEvent(encodeErrorEnvelope(error));
  }
}

const PADDED_LENGTH = 32;

/** Random text that fills a piece of text up to a multiple of 32 bytes. */
export function createPadding(text: string): string {
  const length = PADDED_LENGTH - (Buffer.byteLength(text) % PADDED_LENGTH);
  return randomBytes(length).toString("base64url").slice(0, length);
}
