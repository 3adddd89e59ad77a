/**
 * `POST /responses/compact`: the user's messages of a conversation, and one sealed item with a summary of all of it. The
 * summary is a response of the same model, asked for in the caller's place: limited, admitted and charged as one.
 */

import { AiError, compactionCalls, isRecord, stringifyInSlices } from "@openai-compat/core";
import type { WireObject } from "@openai-compat/core";
import { compactRequestSchema } from "@openai-compat/spec";
import type { CompactRequest, InputItem, ResponseObject } from "@openai-compat/spec";
import { checkEntries } from "../check-entries.ts";
import { decodeBody } from "../decode-body.ts";
import { JSON_BODY, defineStoredRoute } from "../model-route.ts";
import type { OperationHandler } from "../operation-handler.ts";
import { encodeDroppedParameters } from "../upstream/encode.ts";
import { writeSummaryPrompt } from "./compaction.ts";
import type { PlacedItem } from "./decode-input.ts";
import type { ResponseWire } from "./decode.ts";
import { encodeItems } from "./encode-items.ts";
import { readLastEvent } from "./encode-stream.ts";
import { prepareRun } from "./prepare-run.ts";
import { renameRefusals } from "./rename-refusal.ts";
import { createItemId } from "./response-builder.ts";
import type { ResponseRun } from "./response-run.ts";
import { resolveState } from "./resolve-state.ts";
import type { ResponseDependencies } from "./route.ts";

export function createCompactRoute({ responses, settings, seals }: ResponseDependencies): OperationHandler {
  const { compactionTokensMax: tokensMax } = settings;
  return defineStoredRoute(renameRefusals(compactionCalls), {
    body: JSON_BODY,
    async decode({ value }, routed, { call, context }) {
      const { accountId } = call.principal;
      checkEntries(value);
      const sent = decodeBody(compactRequestSchema, value);
      const { items } = await resolveState(responses, accountId, sent);
      const prompt: PlacedItem = { item: { role: "user", content: writeSummaryPrompt(tokensMax) }, param: "input" };
      const { start, builder } = prepareRun(routed, {
        wire: composeSummaryRequest(sent, { tokensMax, isLocal: routed.route === "local" }),
        modelId: routed.modelId,
        state: { items: [...items, prompt], conversationId: null },
        seals,
        scope: { call, context },
      });
      return {
        start,
        async encode(run: ResponseRun, slices) {
          const { response } = await readLastEvent(run, { builder, keep: async (last) => last });
          const sealed = seals.compaction.seal(accountId, readSummary(response));
          return stringifyInSlices(encodeCompaction(response, items, sealed), slices);
        },
        stream: null,
        encodeHeaders: (run) => encodeDroppedParameters(run.droppedParameters ?? []),
      };
    },
  });
}

interface SummaryOptions {
  readonly tokensMax: number;
  /** Not every upstream lets a request turn reasoning off. */
  readonly isLocal: boolean;
}

function composeSummaryRequest(sent: CompactRequest, { tokensMax, isLocal }: SummaryOptions): ResponseWire {
  const { model, instructions, prompt_cache_key, prompt_cache_retention } = sent;
  return {
    model,
    instructions,
    prompt_cache_key,
    prompt_cache_retention,
    max_output_tokens: tokensMax,
    ...(isLocal ? { reasoning: { effort: "none" } } : {}),
    store: false,
  };
}

/** A summary that the limit has cut is one, too. @throws AiError `engine_failed` where the model wrote none */
function readSummary({ output }: ResponseObject): string {
  const contents: readonly unknown[] = output.map((item) => ("content" in item ? item.content : null));
  const texts = contents.flat().flatMap((part) => (isText(part) ? [part.text] : []));
  const summary = texts.join("\n").trim();
  if (summary !== "") return summary;
  throw new AiError("engine_failed", "The model wrote no summary of the conversation. Please try again.");
}

function isText(part: unknown): part is { readonly text: string } {
  return isRecord(part) && part["type"] === "output_text" && typeof part["text"] === "string";
}

function encodeCompaction(
  { id, created_at, usage }: ResponseObject,
  items: readonly PlacedItem[],
  sealed: string,
): WireObject {
  const kept = encodeItems(items.map(({ item }) => item).filter(isUsers));
  return {
    id,
    object: "response.compaction",
    created_at,
    output: [
      ...kept.map(({ item }) => item),
      { id: createItemId("cmp"), type: "compaction", encrypted_content: sealed },
    ],
    usage,
  };
}

function isUsers(item: InputItem): boolean {
  return "role" in item && item.role === "user" && "content" in item;
}
