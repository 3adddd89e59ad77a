/** `POST /chat/completions`. */

import { chatCalls, foldChatEvents } from "@openai-compat/core";
import { JSON_BODY, defineModelRoute } from "../model-route.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import { decodeChatCompletion } from "./decode.ts";
import { decodeUpstreamChat } from "./decode-upstream.ts";
import { encodeChatCompletion } from "./encode.ts";
import { encodeChatCompletionStream } from "./encode-stream.ts";

export const createChatCompletion = defineModelRoute(chatCalls, {
  body: JSON_BODY,
  decodeUpstream: decodeUpstreamChat,
  decode({ value }) {
    const { request, stream } = decodeChatCompletion(value);
    const hasLogprobs = request.topLogprobs !== null;
    return {
      request,
      encode: async (run, slices) =>
        encodeChatCompletion(run, await foldChatEvents(run.events), { hasLogprobs, slices }),
      stream:
        stream === null
          ? null
          : {
              protocol: COMPLETION_STREAM,
              includeUsage: stream.includeUsage,
              encode: (run, ending) => encodeChatCompletionStream(run, stream, ending),
            },
      encodeHeaders: ({ relaxed }) => encodeRelaxedSchemas(relaxed),
    };
  },
});
