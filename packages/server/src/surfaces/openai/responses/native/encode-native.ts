/**
 * A response as the upstream's own is asked for: with the items of all turns, because the upstream stores nothing. What
 * is state, and what is a label of it, stays here.
 */

import { isRecord } from "@openai-compat/core";
import type { UpstreamCallRequest } from "@openai-compat/core";
import { inputTokensRequestSchema } from "@openai-compat/spec";
import { z } from "zod";
import { common, defineJsonDecoder, tokens } from "../../upstream/decode-json.ts";
import type { JsonObject, UpstreamDecoder } from "../../upstream/decode-json.ts";
import { presentSummary, unreadableCompaction } from "../compaction.ts";
import type { PlacedItem } from "../decode-input.ts";
import type { ResponseWire } from "../decode.ts";
import type { Openers } from "../reasoning-seal.ts";

const OURS: ReadonlySet<string> = new Set([
  "input",
  "previous_response_id",
  "conversation",
  "store",
  "metadata",
  "background",
  "stream_options",
  "include",
]);

/**
 * @param items of earlier turns and of this one, references resolved
 * @throws AiError `invalid_value` for a compaction that can't be opened
 */
export function encodeNative(wire: ResponseWire, items: readonly PlacedItem[], openers: Openers): JsonObject {
  const passed = Object.fromEntries(Object.entries(wire).filter(([name, value]) => !OURS.has(name) && value !== null));
  return {
    ...passed,
    input: items.flatMap((placed) => encodeItem(placed, openers)),
    include: listIncluded(wire),
    store: false,
  };
}

/** Without it, no later turn could go on from the reasoning. Models that don't reason refuse it. */
function listIncluded({ include, reasoning }: ResponseWire): readonly string[] | undefined {
  const reasons = reasoning !== undefined && reasoning !== null;
  const listed = new Set([...(include ?? []), ...(reasons ? ["reasoning.encrypted_content"] : [])]);
  return listed.size === 0 ? undefined : [...listed];
}

/**
 * Reasoning that the upstream can't read is left out: it would look for it in a store where it is not. A compaction of
 * this server is to the upstream what it is to a local model.
 */
function encodeItem({ item, param }: PlacedItem, { openBlob, openCompaction }: Openers): readonly JsonObject[] {
  if (item.type !== "reasoning" && item.type !== "compaction") return [item];
  const { encrypted_content: sealed, ...rest } = item;
  const blob = typeof sealed === "string" ? openBlob(sealed) : null;
  if (blob !== null) return [{ ...rest, encrypted_content: blob }];
  if (item.type === "reasoning") return (item.content ?? []).length > 0 ? [rest] : [];
  const summary = openCompaction(item.encrypted_content);
  if (summary === null) throw unreadableCompaction(param);
  return [{ role: "assistant", content: presentSummary(summary) }];
}

/** Of a response as it is asked for, what its prompt is made of. */
export function encodeNativeCount(wire: ResponseWire, items: readonly PlacedItem[], openers: Openers): JsonObject {
  const body = encodeNative(wire, items, openers);
  return Object.fromEntries(Object.entries(body).filter(([name]) => COUNTED.has(name)));
}

const COUNTED: ReadonlySet<string> = new Set(Object.keys(inputTokensRequestSchema.shape));

export const decodeNativeCount = defineJsonDecoder("Getinputtokencounts", { schema: z.looseObject(common) });

const decodeJson = defineJsonDecoder("createResponse", {
  schema: z.looseObject({ ...common, stream: z.boolean().nullish(), max_output_tokens: tokens }),
  measure: (wire) => {
    const limit = wire["max_output_tokens"];
    return typeof limit === "number" ? { outputTokensMax: limit } : {};
  },
});

/** What is not text can't be bounded by its bytes. */
export const decodeNative: UpstreamDecoder = (body, options): UpstreamCallRequest => {
  const request = decodeJson(body, options);
  const isText = request.body.kind === "json" && isTextAlone(request.body.value);
  return { ...request, bounds: { ...request.bounds, inputBytes: isText ? body.bytes : null } };
};

const TEXT_ITEMS: ReadonlySet<unknown> = new Set([
  undefined,
  "message",
  "reasoning",
  "function_call",
  "function_call_output",
  "custom_tool_call",
  "custom_tool_call_output",
]);
const TEXT_PARTS: ReadonlySet<unknown> = new Set(["input_text", "output_text", "refusal"]);
const LOCAL_TOOLS: ReadonlySet<unknown> = new Set(["function", "custom", "namespace"]);

/** What a tool of the upstream finds is not here. */
function isTextAlone({ input, tools }: JsonObject): boolean {
  return listRecords(input).every(isTextItem) && listRecords(tools).every(({ type }) => LOCAL_TOOLS.has(type));
}

function isTextItem({ type, content, output }: JsonObject): boolean {
  const parts = type === "reasoning" ? [] : [...listRecords(content), ...listRecords(output)];
  return TEXT_ITEMS.has(type) && parts.every((part) => TEXT_PARTS.has(part["type"]));
}

function listRecords(value: unknown): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
