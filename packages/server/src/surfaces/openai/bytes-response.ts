/** The response of a call whose answer is a file that is sent as it comes. */

import { toAiError } from "@openai-compat/core";
import type { AuthorisedCall } from "@openai-compat/core";
import { createSseStream } from "../../http/sse.ts";
import type { OperationContext } from "./operation-handler.ts";

export interface BytesResponseOptions {
  readonly call: AuthorisedCall;
  readonly context: OperationContext;
  readonly headers: Readonly<Record<string, string>>;
}

/** @param chunks of a call that has begun: what they throw ends the connection */
export function createBytesResponse(chunks: AsyncIterable<Uint8Array>, options: BytesResponseOptions): Response {
  const { context, headers } = options;
  const body = createSseStream({
    events: reportError(chunks, options),
    // Sound has no room for comments.
    keepAliveMs: null,
    stallTimeoutMs: context.streaming.stallTimeoutMs,
    stallClock: "each",
    onDisconnect: context.disconnect,
  });
  return new Response(body, { headers });
}

/** In the middle of audio nothing can be said: the connection breaks, so that half a file never looks whole. */
async function* reportError(
  chunks: AsyncIterable<Uint8Array>,
  { call, context }: BytesResponseOptions,
): AsyncGenerator<Uint8Array, void> {
  try {
    yield* chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    context.disconnect();
    throw error;
  }
}
