/**
 * The response of a streamed call. Its head is sent when the call has begun, or earlier where that takes long (a queue,
 * a model that loads, an upstream that reads a prompt), because proxies close silent connections. From then on a
 * failure has no status any more and is an event of the stream.
 */

import { toAiError } from "@openai-compat/core";
import type { AuthorisedCall } from "@openai-compat/core";
import type { EventStreamProtocol } from "../../http/encode-event-stream.ts";
import { SSE_HEADERS, SSE_KEEP_ALIVE, createSseStream } from "../../http/sse.ts";
import type { OperationContext } from "./operation-handler.ts";

export interface StartedStream {
  /** Whole encoded server-sent events. A failure inside has become an event already. */
  readonly events: AsyncGenerator<string | Uint8Array, void>;
  /** In addition to those of every stream, where its head has not been sent yet. */
  readonly headers?: Readonly<Record<string, string>>;
}

interface StreamOptions {
  readonly call: AuthorisedCall;
  readonly context: OperationContext;
  /** Of the stream: says what a failure looks like that comes after the head and before the stream. */
  readonly protocol: EventStreamProtocol;
}

/**
 * @param start what leads to the stream; it is running already
 * @throws AiError what `start` rejects with before the head has to be sent
 */
export async function createStreamResponse(start: Promise<StartedStream>, options: StreamOptions): Promise<Response> {
  const { context } = options;
  const started = await raceWithTimer(start, context.streaming.headersAfterMs);
  const events = started === null ? awaitStart(start, options) : started.events;
  const { keepAliveMs, stallTimeoutMs } = context.streaming;
  const body = createSseStream({
    events,
    keepAliveMs,
    keepAlive: () => options.protocol.encodeKeepAlive?.() || SSE_KEEP_ALIVE,
    stallTimeoutMs,
    stallClock: "sum",
    onDisconnect: context.disconnect,
  });
  return new Response(body, { headers: { ...SSE_HEADERS, ...started?.headers } });
}

/** @returns null when the time is over before the promise is settled */
export async function raceWithTimer<Value>(promise: Promise<Value>, timeMs: number): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), timeMs);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The comment sends the head. Once the client has disconnected, a stream that starts after all is closed at once. */
async function* awaitStart(
  start: Promise<StartedStream>,
  { call, context, protocol }: StreamOptions,
): AsyncGenerator<string | Uint8Array, void> {
  let isDisconnected = false;
  void start.then(
    async ({ events }) => (isDisconnected ? closeUnstarted(events) : undefined),
    () => {},
  );
  let started: StartedStream | null = null;
  try {
    yield SSE_KEEP_ALIVE;
    started = await start;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    yield protocol.encodeError(error);
  } finally {
    isDisconnected = started === null;
  }
  if (started !== null) yield* started.events;
}

/** A generator that was never started would not clean up. */
async function closeUnstarted(events: AsyncGenerator<unknown, void>): Promise<void> {
  await events.next();
  await events.return();
}
