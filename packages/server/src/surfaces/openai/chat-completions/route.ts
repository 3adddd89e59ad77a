/** `POST /chat/completions`. */

import { chatCalls, createWorkSlices, foldChatEvents } from "@openai-compat/core";
import { JSON_BODY, defineModelRoute } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { COMPLETION_STREAM } from "../protocol/event-streams.ts";
import { encodeRelaxedSchemas } from "../protocol/relaxed-schemas.ts";
import type { StateDependencies } from "../stored/state-dependencies.ts";
import { decodeChatCompletion } from "./decode.ts";
import { decodeStored, decodeUpstreamChat } from "./decode-upstream.ts";
import { encodeChatCompletion } from "./encode.ts";
import { encodeChatCompletionStream } from "./encode-stream.ts";
import { keepChat, keepEvents } from "./keep-chat.ts";
import { createUpstreamKeeper } from "./keep-upstream-chat.ts";

export function createChatRoute(dependencies: StateDependencies): OperationHandler {
  return defineModelRoute(chatCalls, {
    body: JSON_BODY,
    decodeUpstream: decodeUpstreamChat,
    keepUpstream(body, call) {
      const stored = decodeStored(body);
      return stored === null ? null : createUpstreamKeeper(stored, call, dependencies);
    },
    decode({ value }, { principal, signal }) {
      const { request, stream, wire } = decodeChatCompletion(value);
      const hasLogprobs = request.topLogprobs !== null;
      const isKept = wire.store === true;
      const keeping = { ...dependencies, accountId: principal.accountId, wire, hasLogprobs };
      return {
        request,
        async encode(run, slices) {
          const text = await encodeChatCompletion(run, await foldChatEvents(run.events), { hasLogprobs, slices });
          if (isKept) await keepChat(run, text, keeping);
          return text;
        },
        stream:
          stream === null
            ? null
            : {
                protocol: COMPLETION_STREAM,
                includeUsage: stream.includeUsage,
                encode(run, ending) {
                  const slices = createWorkSlices({ signal });
                  const kept = isKept ? { ...run, events: keepEvents(run, { ...keeping, slices }) } : run;
                  return encodeChatCompletionStream(kept, stream, ending);
                },
              },
        encodeHeaders: ({ relaxed }) => encodeRelaxedSchemas(relaxed),
      };
    },
  });
}
