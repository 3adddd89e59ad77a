/** The events of a streamed answer as an async iterable. What an event holds is its caller's business. */

import { ClientError } from "../client-error.ts";
import type { CallWatch } from "../http/call-watch.ts";
import { readEnvelope } from "../http/read-error.ts";
import type { HttpAnswer } from "../http/send-request.ts";
import { SseParser } from "./sse-parser.ts";
import type { ServerSentEvent } from "./sse-parser.ts";

/**
 * A streamed answer. It can be iterated once. Leaving the loop ends the call, and with it the server's work. A stream that
 * breaks off throws a `ClientError`; a loop that ends without one has seen the whole answer.
 */
export interface Stream<Event> extends AsyncIterable<Event> {
  /** The answer's head. Its body belongs to the stream. */
  readonly response: Response;
  /** `x-request-id` of the answer. */
  readonly requestId: string | null;
  /** Ends the call; the loop throws a `ClientError` of kind `aborted`. */
  abort(): void;
}

export interface StreamOptions<Event> {
  /** The `type`s of which the last event has one; null where `[DONE]` ends the stream. */
  readonly lastTypes: readonly string[] | null;
  /** @throws ClientError of what is no event of the operation. */
  readonly decode: (data: unknown) => Event;
}

const DONE = "[DONE]";
/** How long a connection may stay open behind the last event. */
const DRAIN_TIME_MS_MAX = 1000;

export function createStream<Event>(answer: HttpAnswer, options: StreamOptions<Event>): Stream<Event> {
  const { response, requestId, watch } = answer;
  // Until somebody iterates, the server isn't waited for.
  watch.endWait();
  let isIterated = false;
  return {
    response,
    requestId,
    abort: () => watch.abort(),
    [Symbol.asyncIterator]() {
      if (isIterated) {
        throw new ClientError({ kind: "invalid-request", message: "A stream can be iterated only once." });
      }
      isIterated = true;
      return readEvents(answer, options);
    },
  };
}

async function* readEvents<Event>(answer: HttpAnswer, options: StreamOptions<Event>): AsyncGenerator<Event, void> {
  const { response, watch } = answer;
  const parser = new SseParser();
  const decoder = new TextDecoder();
  const reader = (response.body ?? new Blob([]).stream()).getReader();
  let isComplete = false;
  try {
    for (;;) {
      watch.startWait();
      const { done, value } = await reader.read();
      watch.endWait();
      if (done) break;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        isComplete = event.data === DONE;
        if (isComplete) return;
        const decoded = decodeEvent(event, answer, options);
        isComplete = isLast(decoded, options.lastTypes);
        yield decoded;
        if (isComplete) return;
        if (watch.signal.aborted) throw watch.toError(watch.signal.reason);
      }
    }
    isComplete = parser.end()?.data === DONE;
    if (!isComplete) throw createTruncationError(answer);
  } catch (thrown) {
    throw watch.toError(thrown instanceof RangeError ? createInvalidError(thrown.message, answer) : thrown);
  } finally {
    watch.close();
    if (isComplete) void drain(reader, watch);
    // Also when the loop was left: the server then stops working for it.
    else watch.abort();
  }
}

/**
 * Reads what is left behind the last event, usually nothing, so that the connection can be used again; one that stays open
 * is closed.
 */
async function drain(reader: ReadableStreamDefaultReader<Uint8Array>, watch: CallWatch): Promise<void> {
  const timer = setTimeout(() => watch.abort(), DRAIN_TIME_MS_MAX);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The answer is complete: how its connection ends no longer matters.
  } finally {
    clearTimeout(timer);
  }
}

function decodeEvent<Event>(event: ServerSentEvent, answer: HttpAnswer, { decode }: StreamOptions<Event>): Event {
  const data = parseJson(event, answer);
  const error = typeof data === "object" && data !== null && "error" in data ? data.error : null;
  if (event.event === "error" || (error !== null && error !== undefined)) throw createEventError(data, answer);
  return decode(data);
}

function parseJson({ data }: ServerSentEvent, answer: HttpAnswer): unknown {
  try {
    return JSON.parse(data);
  } catch {
    throw createInvalidError("An event of the stream is not JSON.", answer);
  }
}

function isLast(event: unknown, lastTypes: readonly string[] | null): boolean {
  if (lastTypes === null || typeof event !== "object" || event === null || !("type" in event)) return false;
  return typeof event.type === "string" && lastTypes.includes(event.type);
}

function createEventError(data: unknown, { response, requestId }: HttpAnswer): ClientError {
  const { message, ...envelope } = readEnvelope(data);
  return new ClientError({
    ...envelope,
    kind: "api",
    message: message ?? "The server ended the stream with an error.",
    status: response.status,
    requestId,
  });
}

function createTruncationError({ response, requestId }: HttpAnswer): ClientError {
  return new ClientError({
    kind: "connection",
    code: "stream_truncated",
    message: "The stream ended before the answer was complete.",
    status: response.status,
    requestId,
    retryable: true,
  });
}

function createInvalidError(message: string, { response, requestId }: HttpAnswer): ClientError {
  return new ClientError({ kind: "invalid-response", message, status: response.status, requestId });
}
