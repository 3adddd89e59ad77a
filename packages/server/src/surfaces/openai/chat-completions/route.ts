/** `POST /chat/completions`, one-shot and streamed. */

import { foldChatEvents } from "@openai-compat/core";
import { SSE_HEADERS, createSseStream } from "../../../http/sse.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { decodeChatCompletion } from "./decode.ts";
import { encodeChatCompletion } from "./encode.ts";
import { encodeChatCompletionStream } from "./encode-stream.ts";

export const createChatCompletion: OperationHandler = async (call, context) => {
  const { request, stream } = decodeChatCompletion(await context.readJson());
  const run = await context.service.chat(call, request);
  if (stream === null) return Response.json(encodeChatCompletion(run, await foldChatEvents(run.events)));
  const body = createSseStream({
    events: encodeChatCompletionStream(run, stream, { signal: call.signal, onError: context.reportError }),
    stallTimeoutMs: context.streamStallTimeoutMs,
    onGone: context.leave,
  });
  return new Response(body, { headers: SSE_HEADERS });
};
