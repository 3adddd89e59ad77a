/** An upstream's answer to a response: in one piece where it is JSON or text, passed on as it comes where not. */

import { toAiError } from "@openai-compat/core";
import type { AuthorisedCall, UpstreamRun } from "@openai-compat/core";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { createSseStream } from "../../../http/sse.ts";
import type { OperationContext } from "../operation-handler.ts";
import { UPSTREAM_STREAM } from "../protocol/event-streams.ts";
import { createStreamResponse } from "../stream-response.ts";

interface EncodeOptions {
  readonly call: AuthorisedCall;
  readonly context: OperationContext;
}

/** @param stream whether server-sent events were requested. @throws AiError what the run rejects with */
export async function encodeUpstreamRun(
  run: Promise<UpstreamRun>,
  { stream, ...options }: EncodeOptions & { readonly stream: boolean },
): Promise<Response> {
  if (stream) {
    const { call, context } = options;
    const streamOptions = { protocol: UPSTREAM_STREAM, signal: call.signal, onError: context.reportError };
    const start = run.then((started) => ({
      events: encodeEventStream(listChunks(started), (chunk) => chunk, streamOptions),
      headers: encodeDropped(started),
    }));
    return createStreamResponse(start, { ...options, protocol: UPSTREAM_STREAM });
  }
  const started = await run;
  const headers = { "content-type": started.contentType, ...encodeDropped(started) };
  if (started.kind === "whole") return new Response(started.body, { headers });
  const { context } = options;
  const body = createSseStream({
    events: reportError(started.chunks, options),
    // Sound has no room for comments.
    keepAliveMs: null,
    stallTimeoutMs: context.streaming.stallTimeoutMs,
    stallClock: "each",
    onDisconnect: context.disconnect,
  });
  return new Response(body, { headers });
}

/** Names the parameters of a caller that had no effect. Their names may be anything, and a header's value may not. */
function encodeDropped({ droppedParameters }: UpstreamRun): Record<string, string> {
  if (droppedParameters.length === 0) return {};
  return {
    "x-dropped-parameters": droppedParameters.map((name) => encodeURIComponent(name.toWellFormed())).join(", "),
  };
}

function listChunks(run: UpstreamRun): AsyncIterable<Uint8Array> {
  return run.kind === "whole" ? listOne(run.body) : run.chunks;
}

async function* listOne(chunk: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield chunk;
}

/** In the middle of audio nothing can be said: the connection breaks, so that half a file never looks whole. */
async function* reportError(chunks: AsyncIterable<Uint8Array>, { call, context }: EncodeOptions) {
  try {
    yield* chunks;
  } catch (thrown) {
    const error = toAiError(thrown, call.signal);
    context.reportError(error);
    context.disconnect();
    throw error;
  }
}
