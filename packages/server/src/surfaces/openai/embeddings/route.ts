/** `POST /embeddings`, by an engine of this machine or by an upstream. */

import { createWorkSlices } from "@openai-compat/core";
import type { OperationHandler } from "../operation-handler.ts";
import { isForUpstream } from "../relay/is-for-upstream.ts";
import { relayJson } from "../relay/route.ts";
import { JSON_HEADERS } from "../print-json.ts";
import { decodeEmbedding } from "./decode.ts";
import { encodeEmbedding } from "./encode.ts";

export const createEmbedding: OperationHandler = async (call, context) => {
  context.service.requireOffered("createEmbedding");
  await context.service.requireCredits(call, "createEmbedding");
  const body = await context.readJson();
  if (isForUpstream(body, context.service, "embedding")) return relayJson("createEmbedding", { call, context, body });
  const { request, encodingFormat } = decodeEmbedding(body.value);
  const answer = await encodeEmbedding(await context.service.embed(call, request), {
    format: encodingFormat,
    slices: createWorkSlices({ signal: call.signal }),
  });
  return new Response(answer, { headers: JSON_HEADERS });
};
