/** An upstream's answer to a response: collected where it is one JSON document or text, passed on as it comes where not. */

import { toAiError } from "@openai-compat/core";
import type { AuthorisedCall, RelayRun } from "@openai-compat/core";
import { encodeErrorEnvelope } from "../../../http/encode-error.ts";
import { SSE_HEADERS, createSseStream, encodeSseEvent } from "../../../http/sse.ts";
import type { OperationContext } from "../operation-handler.ts";

/** @param stream whether server-sent events were asked for. */
export async function encodeRelay(
  run: RelayRun,
  {
    call,
    context,
    stream,
  }: { readonly call: AuthorisedCall; readonly context: OperationContext; readonly stream: boolean },
): Promise<Response> {
  if (!stream && /^(?:application\/json|text\/)/.test(run.contentType)) {
    return new Response(await collect(run.chunks), { headers: { "content-type": run.contentType } });
  }
  const body = createSseStream({
    events: stream ? endWithError(run, call, context) : reportError(run, call, context),
    stallTimeoutMs: context.streamStallTimeoutMs,
    onGone: context.leave,
  });
  return new Response(body, { headers: stream ? SSE_HEADERS : { "content-type": run.contentType } });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A stream of events says what broke it; no `[DONE]` follows. */
async function* endWithError(run: RelayRun, call: AuthorisedCall, context: OperationContext) {
  try {
    yield* run.chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    yield encodeSseEvent(encodeErrorEnvelope(error));
  }
}

/** In the middle of audio nothing can be said: the connection breaks, so that half a file never looks whole. */
async function* reportError(run: RelayRun, call: AuthorisedCall, context: OperationContext) {
  try {
    yield* run.chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    context.leave();
    throw error;
  }
}
