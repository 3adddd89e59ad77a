/** Items as the reference server keeps and lists them: each with a type, an id and its status. */

import { isJsonObject, type JsonObject } from "../../src/expect.ts";

/** @param slug of the request; the index of an item is added to it */
export function encodeItems(items: readonly JsonObject[], slug: string): readonly JsonObject[] {
  return items.map((item, index) => {
    const { type = "message", id, role, content } = item;
    const own = typeof id === "string" ? id : `item_reference_${slug}_${index}`;
    if (type !== "message") return { ...item, id: own };
    const kind = role === "assistant" ? "output_text" : "input_text";
    const parts = typeof content === "string" ? [{ type: kind, text: content }] : [content].flat();
    return { ...item, type, id: own, status: item["status"] ?? "completed", content: parts.map(completePart) };
  });
}

function completePart(part: unknown): unknown {
  return isJsonObject(part) && part["type"] === "output_text" ? { annotations: [], logprobs: [], ...part } : part;
}
