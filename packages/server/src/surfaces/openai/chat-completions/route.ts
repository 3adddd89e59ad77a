/** `POST /chat/completions`, one-shot and streamed, by an engine of this machine or by an upstream. */

import { createWorkSlices, foldChatEvents } from "@openai-compat/core";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { isForUpstream } from "../relay/is-for-upstream.ts";
import { relayJson } from "../relay/route.ts";
import { JSON_HEADERS } from "../print-json.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import { createStreamResponse } from "../stream-response.ts";
import { decodeChatCompletion } from "./decode.ts";
import { encodeChatCompletion } from "./encode.ts";
import { encodeChatCompletionStream } from "./encode-stream.ts";

export const createChatCompletion: OperationHandler = async (call, context) => {
  await context.service.requireCredits(call, "createChatCompletion");
  const body = await context.readJson();
  if (isForUpstream(body, context.service, "chat")) return relayJson("createChatCompletion", { call, context, body });
  const { request, stream } = decodeChatCompletion(body.value);
  const running = context.service.chat(call, request);
  if (stream === null) {
    const run = await running;
    const result = await foldChatEvents(run.events);
    const options = { hasLogprobs: request.topLogprobs !== null, slices: createWorkSlices({ signal: call.signal }) };
    return new Response(await encodeChatCompletion(run, result, options), {
      headers: { ...JSON_HEADERS, ...encodeRelaxedSchemas(run.relaxed) },
    });
  }
  const ending = { signal: call.signal, onError: context.reportError };
  const start = running.then((run) => ({
    events: encodeChatCompletionStream(run, stream, ending),
    headers: encodeRelaxedSchemas(run.relaxed),
  }));
  return createStreamResponse(start, { call, context, protocol: COMPLETION_STREAM });
};
