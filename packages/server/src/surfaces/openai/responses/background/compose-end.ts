/**
 * The end of a response that broke off, made of its stored events alone: so it is the same whether the process that ran
 * it writes it, or another one when the first is gone.
 */

import { isRecord } from "@openai-compat/core";
import type { UsageUnits, WireObject } from "@openai-compat/core";
import { encodeResponseUsage } from "../encode-response-usage.ts";

export interface EarlyEnd {
  readonly status: "failed" | "cancelled";
  /** Null for one that was cancelled. */
  readonly error: { readonly code: string; readonly message: string } | null;
  /** What is paid for. Null: nothing was used. */
  readonly units: UsageUnits | null;
}

export interface LastWireEvent extends WireObject {
  readonly type: string;
  readonly response: WireObject;
  readonly sequence_number: number;
}

/**
 * @param queued the response as it was when it was queued
 * @param events all that are stored
 */
export function composeEnd(queued: WireObject, events: readonly WireObject[], end: EarlyEnd): LastWireEvent {
  const { status, error, units } = end;
  const known = events.findLast(({ response }) => isRecord(response))?.["response"] ?? queued;
  const usage =
    units === null
      ? null
      : encodeResponseUsage({
          promptTokens: units.inputTokens,
          completionTokens: units.outputTokens,
          cachedTokens: units.cachedTokens,
          reasoningTokens: 0,
        });
  const output = listOutput(events);
  const response = { ...Object(known), status, error, usage, output, completed_at: null };
  return { type: "response.failed", sequence_number: events.length, response };
}

/** Items that are whole, and what there is of the last one. */
function listOutput(events: readonly WireObject[]): readonly WireObject[] {
  const output: WireObject[] = [];
  let open: { readonly item: WireObject; text: string } | null = null;
  for (const { type, item, delta } of events) {
    if (type === "response.output_item.added" && isRecord(item)) open = { item, text: "" };
    else if (type === "response.output_item.done" && isRecord(item)) {
      output.push(item);
      open = null;
    } else if (open !== null && typeof delta === "string") open.text += delta;
  }
  return open === null ? output : [...output, cutItem(open.item, open.text)];
}

function cutItem(item: WireObject, text: string): WireObject {
  const cut = { ...item, status: "incomplete" };
  switch (item["type"]) {
    case "message":
      return { ...cut, content: [{ type: "output_text", text, annotations: [], logprobs: [] }] };
    case "function_call":
      return { ...cut, arguments: text };
    case "custom_tool_call":
      return { ...cut, input: text };
    default:
      return cut;
  }
}
