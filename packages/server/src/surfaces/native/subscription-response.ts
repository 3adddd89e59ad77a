/**
 * A subscription as server-sent events, in the words of tRPC's `httpSubscriptionLink`. Its head is sent when the
 * subscription has begun, or earlier where that takes long, as of every stream of this server.
 */

import { TRPCError, isTrackedEnvelope } from "@trpc/server";
import type { AiError } from "@openai-compat/core";
import { SSE_HEADERS, createSseStream, encodeSseEvent } from "../../http/sse.ts";
import type { SseStreamOptions } from "../../http/sse.ts";
import type { OperationLimits } from "../openai/operation-handler.ts";
import { raceWithTimer } from "../openai/stream-response.ts";
import { decodeTrpcError, encodeNativeError } from "./map-error.ts";
import type { ErrorPlace } from "./map-error.ts";
import type { NativeErrorShape } from "./native-router.ts";

export interface SubscriptionOptions {
  readonly place: ErrorPlace;
  readonly signal: AbortSignal;
  readonly limits: Pick<OperationLimits, "streamHeadersAfterMs" | "streamKeepAliveMs" | "streamStallTimeoutMs">;
  readonly stallClock: SseStreamOptions["stallClock"];
  /** Called with the failure that ends a subscription which has begun. */
  readonly report: (error: AiError) => void;
  /** Called when the client disconnected or stalled. */
  readonly disconnect: () => void;
}

const PING = "event: ping\ndata:\n\n";
const RETURN = "event: return\ndata:\n\n";
/** So many pings may be missing before a client connects again. */
const PINGS_MISSED_MAX = 3;

/**
 * @param start gives an async iterable of events; it is running already
 * @throws AiError what `start` rejects with before the head has to be sent
 */
export async function createSubscriptionResponse(
  start: Promise<unknown>,
  options: SubscriptionOptions,
): Promise<Response> {
  const { limits, signal } = options;
  await raceWithTimer(start, limits.streamHeadersAfterMs).catch((thrown: unknown) => {
    throw decodeTrpcError(thrown, signal);
  });
  const body = createSseStream({
    events: listEvents(start, options),
    keepAliveMs: limits.streamKeepAliveMs,
    keepAlive: () => PING,
    stallTimeoutMs: limits.streamStallTimeoutMs,
    stallClock: options.stallClock,
    onDisconnect: options.disconnect,
  });
  return new Response(body, { headers: SSE_HEADERS });
}

/** All of a subscription that was refused. */
export function encodeFailedSubscription(shape: NativeErrorShape): string {
  return `${encodeSseEvent({}, "connected")}${encodeSseEvent(shape, "serialized-error")}`;
}

async function* listEvents(start: Promise<unknown>, options: SubscriptionOptions): AsyncGenerator<string, void> {
  const reconnectAfterInactivityMs = PINGS_MISSED_MAX * options.limits.streamKeepAliveMs;
  let iterator: AsyncIterator<unknown> | null = null;
  try {
    yield encodeSseEvent({ reconnectAfterInactivityMs }, "connected");
    iterator = requireEvents(await start)[Symbol.asyncIterator]();
    for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) {
      yield encodeEvent(next.value);
    }
    yield RETURN;
  } catch (thrown) {
    const error = decodeTrpcError(thrown, options.signal);
    options.report(error);
    yield encodeSseEvent(encodeNativeError(error, options.place), "serialized-error");
  } finally {
    iterator ??= await start.then(
      (events) => requireEvents(events)[Symbol.asyncIterator](),
      () => null,
    );
    await iterator?.return?.();
  }
}

function requireEvents(events: unknown): AsyncIterable<unknown> {
  if (typeof events === "object" && events !== null && Symbol.asyncIterator in events) {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it has the one method of the type
    return events as AsyncIterable<unknown>;
  }
  throw new TRPCError({ code: "INTERNAL_SERVER_ERROR", message: "The subscription has no events." });
}

function encodeEvent(event: unknown): string {
  if (!isTrackedEnvelope(event)) return encodeSseEvent(event);
  const [id, data] = event;
  return `id: ${id}\n${encodeSseEvent(data)}`;
}
