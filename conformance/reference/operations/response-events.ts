/** A response of the reference server as the events of a stream: complete, in order, numbered. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";
import type { Answer } from "./operation.ts";

export interface ResponseAnswer extends Answer {
  /** As its last event carries it. */
  readonly response: JsonObject;
  readonly output: readonly OutputItem[];
}

export interface OutputItem {
  /** As it is when it is done. */
  readonly item: JsonObject;
  /** Its text, arguments or input, as it is streamed. */
  readonly pieces: readonly string[];
}

export function encodeResponseEvents({ response, output }: ResponseAnswer): readonly JsonObject[] {
  const begun = { ...response, status: "in_progress", completed_at: null, incomplete_details: null, output: [] };
  const started = { ...begun, usage: null };
  const queued = { ...started, status: "queued" };
  const isQueued = response["background"] === true;
  const events: readonly JsonObject[] = [
    { type: "response.created", response: isQueued ? queued : started },
    ...(isQueued ? [{ type: "response.queued", response: queued }] : []),
    { type: "response.in_progress", response: started },
    ...output.flatMap(encodeItem),
    { type: response["status"] === "incomplete" ? "response.incomplete" : "response.completed", response },
  ];
  return events.map((event, index) => ({ ...event, sequence_number: index }));
}

/** What grows while an item is streamed. */
const BEGINNINGS: Readonly<Record<string, JsonObject>> = {
  message: { content: [] },
  function_call: { arguments: "" },
  custom_tool_call: { input: "" },
};

function encodeItem({ item, pieces }: OutputItem, index: number): readonly JsonObject[] {
  const place = { output_index: index, item_id: item["id"] };
  const inner = item["type"] === "message" ? encodeMessage(item, pieces, place) : encodeCall(item, pieces, place);
  const begun = { ...item, ...BEGINNINGS[String(item["type"])] };
  return [
    { type: "response.output_item.added", output_index: index, item: { ...begun, status: "in_progress" } },
    ...inner,
    { type: "response.output_item.done", output_index: index, item },
  ];
}

function encodeMessage(item: JsonObject, pieces: readonly string[], ofItem: JsonObject): readonly JsonObject[] {
  const content: readonly unknown[] = Array.isArray(item["content"]) ? item["content"] : [];
  const part = content.find(isJsonObject) ?? {};
  const { text, logprobs } = part;
  const listed: readonly unknown[] = Array.isArray(logprobs) ? logprobs : [];
  const place = { ...ofItem, content_index: 0 };
  return [
    { type: "response.content_part.added", ...place, part: { ...part, text: "", logprobs: [] } },
    ...pieces.map((delta, index) => ({
      type: "response.output_text.delta",
      ...place,
      delta,
      logprobs: listed.slice(index, index + 1),
    })),
    { type: "response.output_text.done", ...place, text, logprobs: listed },
    { type: "response.content_part.done", ...place, part },
  ];
}

function encodeCall(item: JsonObject, pieces: readonly string[], place: JsonObject): readonly JsonObject[] {
  if (item["type"] === "custom_tool_call") {
    return [
      ...pieces.map((delta) => ({ type: "response.custom_tool_call_input.delta", ...place, delta })),
      { type: "response.custom_tool_call_input.done", ...place, input: item["input"] },
    ];
  }
  return [
    ...pieces.map((delta) => ({ type: "response.function_call_arguments.delta", ...place, delta })),
    {
      type: "response.function_call_arguments.done",
      ...place,
      name: item["name"],
      arguments: item["arguments"],
    },
  ];
}
