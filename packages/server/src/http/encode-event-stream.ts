/** A run's events as server-sent events. How a stream ends, good or bad, is its protocol's. */

import { toAiError } from "@openai-compat/core";
import type { AiError } from "@openai-compat/core";

/** What distinguishes the event streams of one endpoint from those of another. All are whole encoded events. */
export interface EventStreamProtocol {
  /** Sent after the last event of a complete stream; null for nothing. */
  readonly ending: string | null;
  /** Says why a stream broke. Nothing follows it: a broken stream must not look complete. */
  readonly encodeError: (error: AiError) => string;
  /** Called in a silence for events that show that the stream goes on; empty for a comment. Default: always a comment. */
  readonly encodeKeepAlive?: () => string;
}

export interface EventStreamOptions {
  readonly protocol: EventStreamProtocol;
  /** The call's own: when it has aborted, that is why the stream broke. */
  readonly signal: AbortSignal;
  /** Called with the failure that ends the stream. */
  readonly onError: (error: AiError) => void;
}

/**
 * Whole encoded events. It does not throw: a failure becomes the last event.
 *
 * @param encode a whole encoded event (`encodeSseEvent`), or null for an event that is not sent.
 */
export async function* encodeEventStream<Event, Encoded extends string | Uint8Array>(
  events: AsyncIterable<Event>,
  encode: (event: Event) => Encoded | null,
  { protocol, signal, onError }: EventStreamOptions,
): AsyncGenerator<Encoded | string, void> {
  try {
    for await (const event of events) {
      const encoded = encode(event);
      if (encoded !== null) yield encoded;
    }
    if (protocol.ending !== null) yield protocol.ending;
  } catch (thrown) {
    const error = toAiError(thrown, signal);
    onError(error);
    yield protocol.encodeError(error);
  }
}
