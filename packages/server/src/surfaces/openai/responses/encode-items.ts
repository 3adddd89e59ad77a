/** Items as they were sent to items as they are stored and listed: each has a type, an id of its own and its defaults. */

import type { StoredItem, WireObject } from "@openai-compat/core";
import type { InputItem, InputMessage } from "@openai-compat/spec";
import { createItemId } from "./response-builder.ts";

const ID_PREFIXES: Readonly<Record<string, string>> = {
  message: "msg",
  function_call: "fc",
  function_call_output: "fco",
  custom_tool_call: "ctc",
  custom_tool_call_output: "ctco",
  reasoning: "rs",
  compaction: "cmp",
};

/** Of a type that has a status, which senders leave out. */
const WITH_STATUS: ReadonlySet<string> = new Set(["message", "function_call", "function_call_output"]);

/** An item that is there twice gets another id, so that each is an element of its own to pages. */
export function encodeItems(items: readonly InputItem[]): readonly StoredItem[] {
  const seen = new Set<string>();
  return items.map((item) => {
    const type = item.type ?? "message";
    const isOwn = typeof item.id === "string" && item.id !== "" && !seen.has(item.id);
    const id = isOwn && typeof item.id === "string" ? item.id : createItemId(ID_PREFIXES[type] ?? "item");
    seen.add(id);
    const isMessage = type === "message" && "role" in item && "content" in item;
    const wire: WireObject = isMessage ? encodeMessage(item) : { ...item };
    const status = WITH_STATUS.has(type) ? { status: wire["status"] ?? "completed" } : {};
    return { id, item: { ...wire, ...status, id } };
  });
}

function encodeMessage(message: InputMessage): WireObject {
  const { role, content } = message;
  const parts =
    typeof content === "string"
      ? [{ type: role === "assistant" ? ("output_text" as const) : ("input_text" as const), text: content }]
      : content;
  return {
    ...message,
    type: "message",
    content: parts.map((part) => (part.type === "output_text" ? { annotations: [], logprobs: [], ...part } : part)),
  };
}
