/** `POST /embeddings`. */

import { embeddingCalls } from "@openai-compat/core";
import { JSON_BODY, defineModelRoute } from "../model-route.ts";
import { decodeEmbedding } from "./decode.ts";
import { decodeUpstreamEmbedding } from "./decode-upstream.ts";
import { encodeEmbedding } from "./encode.ts";

export const createEmbedding = defineModelRoute(embeddingCalls, {
  body: JSON_BODY,
  decodeUpstream: decodeUpstreamEmbedding,
  decode({ value }) {
    const { request, encodingFormat: format } = decodeEmbedding(value);
    return {
      request,
      encode: (run, slices) => encodeEmbedding(run, { format, slices }),
      stream: null,
    };
  },
});
