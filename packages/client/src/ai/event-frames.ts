/** One connection of a subscription over server-sent events. It doesn't connect again. */

import { ClientError } from "../client-error.ts";
import type { ClientSettings } from "../client-options.ts";
import { callWithRetries } from "../http/retry.ts";
import { sendRequest } from "../http/send-request.ts";
import type { HttpAnswer } from "../http/send-request.ts";
import { SseParser } from "../v1/sse-parser.ts";
import type { ServerSentEvent } from "../v1/sse-parser.ts";
import { createInvalidError, decodeNativeError, isNativeErrorShape } from "./map-native-error.ts";
import { readNativeRefusal } from "./read-native-refusal.ts";
import type { Connect, SubscriptionEvent } from "./resume-events.ts";

/** @param settings whose base URL is that of the native surface */
export function createEventConnection(settings: ClientSettings): Connect {
  return async function* connect({ path, input, lastEventId, signal, acceptMsMax }) {
    const isReconnection = acceptMsMax !== null;
    const request = {
      path: `/${path}`,
      // In the body, because an input can be longer than any URL.
      method: "POST",
      headers: {
        // Not `text/event-stream` alone: then a refusal would come as an event, without its status and headers.
        accept: "*/*",
        "content-type": "application/json",
        ...(lastEventId === null ? {} : { "last-event-id": lastEventId }),
      },
      body: JSON.stringify(input ?? {}),
      signal,
      timeoutMs: acceptMsMax ?? settings.timeoutMs,
      readError: async (response: Response, secret: string | null) => (await readNativeRefusal(response, secret)).error,
    };
    // Who connects again does so at a pace of its own.
    const retry = isReconnection ? { ...settings.retry, attempts: 1 } : settings.retry;
    const answer = await callWithRetries({ ...settings, retry }, signal, async (attempt) =>
      sendRequest(settings, { ...request, ...attempt }, async (head) => head),
    ).catch((thrown: unknown) => {
      throw isReconnection ? toLoss(thrown) : thrown;
    });
    answer.watch.limitWaits(settings.timeoutMs);
    yield* readFrames(answer, settings.timeoutMs);
  };
}

/** Ends where the server says that this was all. @throws ClientError of kind `connection` where it ends earlier. */
async function* readFrames(
  { response, watch }: HttpAnswer,
  timeoutMs: number,
): AsyncGenerator<SubscriptionEvent, void> {
  const { body } = response;
  if (body === null) throw createInvalidError("it has no body");
  const reader = body.getReader();
  const parser = new SseParser();
  const decoder = new TextDecoder();
  let isComplete = false;
  try {
    for (;;) {
      watch.startWait();
      const { done, value } = await reader.read();
      watch.endWait();
      if (done) break;
      for (const frame of parser.push(decoder.decode(value, { stream: true }))) {
        if (frame.event === "return") {
          isComplete = true;
          return;
        }
        if (frame.event === "connected") watch.limitWaits(Math.min(timeoutMs, readSilenceMs(frame) ?? timeoutMs));
        const event = decodeFrame(frame);
        if (event === null) continue;
        yield event;
        if (watch.signal.aborted) throw watch.toError(watch.signal.reason);
      }
    }
    throw new ClientError({ kind: "connection", message: "The connection ended before its events.", retryable: true });
  } catch (thrown) {
    throw watch.toError(thrown instanceof RangeError ? createInvalidError(thrown.message) : thrown);
  } finally {
    if (!isComplete) watch.abort();
    watch.close();
  }
}

/** While a server starts, what stands before it answers in its place. */
function toLoss(thrown: unknown): unknown {
  if (!(thrown instanceof ClientError) || thrown.kind !== "api" || !thrown.retryable) return thrown;
  if (thrown.status !== 502 && thrown.status !== 503 && thrown.status !== 504) return thrown;
  const { message, status, requestId } = thrown;
  return new ClientError({ kind: "connection", message, status, requestId, retryable: true, cause: thrown });
}

/** @returns null for what is no event of the subscription itself. @throws ClientError of an event that is an error */
function decodeFrame({ event, id, data }: ServerSentEvent): SubscriptionEvent | null {
  if (event === null || event === "message") return { id, data: parseJson(data) };
  if (event !== "serialized-error") return null;
  const error = parseJson(data);
  throw isNativeErrorShape(error) ? decodeNativeError(error) : createInvalidError("its error has another shape");
}

/** How long a connection that still holds can be silent, in milliseconds; null where the server doesn't say. */
function readSilenceMs({ data }: ServerSentEvent): number | null {
  const options = parseJson(data);
  if (typeof options !== "object" || options === null || !("reconnectAfterInactivityMs" in options)) return null;
  const { reconnectAfterInactivityMs } = options;
  return typeof reconnectAfterInactivityMs === "number" && reconnectAfterInactivityMs > 0
    ? reconnectAfterInactivityMs
    : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (thrown) {
    throw createInvalidError("an event is not JSON", thrown);
  }
}
