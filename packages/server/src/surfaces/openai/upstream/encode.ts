/** An upstream's answer to a response: in one piece where it is JSON or text, passed on as it comes where not. */

import type { AuthorisedCall, UpstreamRun } from "@openai-compat/core";
import { encodeEventStream } from "../../../http/encode-event-stream.ts";
import { createBytesResponse } from "../bytes-response.ts";
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
      headers: encodeDroppedParameters(started.droppedParameters),
    }));
    return createStreamResponse(start, { ...options, protocol: UPSTREAM_STREAM });
  }
  const started = await run;
  const headers = { "content-type": started.contentType, ...encodeDroppedParameters(started.droppedParameters) };
  if (started.kind === "whole") return new Response(started.body, { headers });
  return createBytesResponse(started.chunks, { ...options, headers });
}

/** Names the parameters of a caller that had no effect. Their names may be anything, and a header's value may not. */
export function encodeDroppedParameters(names: readonly string[]): Record<string, string> {
  if (names.length === 0) return {};
  return { "x-dropped-parameters": names.map((name) => encodeURIComponent(name.toWellFormed())).join(", ") };
}

function listChunks(run: UpstreamRun): AsyncIterable<Uint8Array> {
  return run.kind === "whole" ? listOne(run.body) : run.chunks;
}

async function* listOne(chunk: Uint8Array): AsyncGenerator<Uint8Array, void> {
  yield chunk;
}
