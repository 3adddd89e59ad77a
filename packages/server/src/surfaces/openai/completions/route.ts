/** `POST /completions`, one-shot and streamed, by an engine of this machine or by an upstream. */

import { createWorkSlices, foldCompletionEvents } from "@openai-compat/core";
import type { OperationHandler } from "../operation-handler.ts";
import { isForUpstream } from "../relay/is-for-upstream.ts";
import { relayJson } from "../relay/route.ts";
import { JSON_HEADERS } from "../print-json.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import { createStreamResponse } from "../stream-response.ts";
import { decodeCompletion } from "./decode.ts";
import { encodeCompletion } from "./encode.ts";
import { encodeCompletionStream } from "./encode-stream.ts";

export const createCompletion: OperationHandler = async (call, context) => {
  context.service.requireOffered("createCompletion");
  await context.service.requireCredits(call, "createCompletion");
  const body = await context.readJson();
  if (isForUpstream(body, context.service, "chat")) return relayJson("createCompletion", { call, context, body });
  const { request, stream } = decodeCompletion(body.value);
  const running = context.service.complete(call, request);
  if (stream === null) {
    const run = await running;
    const result = await foldCompletionEvents(run.events);
    const text = await encodeCompletion(run, result, createWorkSlices({ signal: call.signal }));
    return new Response(text, { headers: JSON_HEADERS });
  }
  const ending = { signal: call.signal, onError: context.reportError };
  const start = running.then((run) => ({ events: encodeCompletionStream(run, stream, ending) }));
  return createStreamResponse(start, { call, context, protocol: COMPLETION_STREAM });
};
