/** `POST /completions`. */

import { completionCalls, foldCompletionEvents } from "@openai-compat/core";
import { JSON_BODY, defineModelRoute } from "../model-route.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import { decodeCompletion } from "./decode.ts";
import { decodeUpstreamCompletion } from "./decode-upstream.ts";
import { encodeCompletion } from "./encode.ts";
import { encodeCompletionStream } from "./encode-stream.ts";

export const createCompletion = defineModelRoute(completionCalls, {
  body: JSON_BODY,
  decodeUpstream: decodeUpstreamCompletion,
  decode({ value }) {
    const { request, stream } = decodeCompletion(value);
    return {
      request,
      encode: async (run, slices) => encodeCompletion(run, await foldCompletionEvents(run.events), slices),
      stream:
        stream === null
          ? null
          : {
              protocol: COMPLETION_STREAM,
              includeUsage: stream.includeUsage,
              encode: (run, ending) => encodeCompletionStream(run, stream, ending),
            },
    };
  },
});
