/** An upstream's answer to a response: in one piece where it is JSON or text, passed on as it comes where not. */

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
  const { contentType } = run;
  if (run.kind === "whole") return new Response(run.body, { headers: { "content-type": contentType } });
  const { chunks } = run;
  if (!stream && contentType.startsWith("text/")) {
    return new Response(await collect(chunks), { headers: { "content-type": contentType } });
  }
  const body = createSseStream({
    events: stream ? endWithError(chunks, call, context) : reportError(chunks, call, context),
    stallTimeoutMs: context.streamStallTimeoutMs,
    stallClock: stream ? "sum" : "each",
    onGone: context.leave,
  });
  return new Response(body, { headers: stream ? SSE_HEADERS : { "content-type": contentType } });
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array<ArrayBuffer>> {
  const parts: Uint8Array[] = [];
  for await (const chunk of chunks) parts.push(chunk);
  return Buffer.concat(parts);
}

/** A stream of events says what broke it; no `[DONE]` follows. */
async function* endWithError(chunks: AsyncIterable<Uint8Array>, call: AuthorisedCall, context: OperationContext) {
  try {
    yield* chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    yield encodeSseEvent(encodeErrorEnvelope(error));
  }
}

/** In the middle of audio nothing can be said: the connection breaks, so that half a file never looks whole. */
async function* reportError(chunks: AsyncIterable<Uint8Array>, call: AuthorisedCall, context: OperationContext) {
  try {
    yield* chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    context.leave();
    throw error;
  }
}
