/** What is wrong with an item that a server shows again: it is what was sent, with an id. */

import { itemListSchema } from "@openai-compat/spec";
import type { JsonObject } from "../../src/expect.ts";
import { type Flaw, listShapeFlaws, must, objectsOf } from "./flaws.ts";
import { isId, listPageFlaws } from "./pages.ts";

/** Of calls and of what they gave: shown as they were sent. */
const FIELDS = ["call_id", "name", "arguments", "input", "output"] as const;

export function listItemFlaws(item: JsonObject, sent: JsonObject): readonly Flaw[] {
  const { type = "message", role, content } = sent;
  const fields = FIELDS.filter((name) => sent[name] !== undefined && item[name] !== sent[name]);
  const [expected, actual] = [content, item["content"]].map(readTexts);
  return [
    ...must(isId(item["id"]), "an id of the item", item),
    ...must(item["type"] === type, `the type ${String(type)}`, item),
    ...must(role === undefined || item["role"] === role, `the role ${String(role)}`, item),
    ...must(role === undefined || actual === expected, `the texts ${expected}`, item),
    ...must(fields.length === 0, `the ${fields.join(", ")} that was sent`, item),
  ];
}

/** A text is a part of its own. */
function readTexts(content: unknown): string {
  return JSON.stringify(typeof content === "string" ? [content] : objectsOf(content).map(({ text }) => text));
}

/** A page that has these items, in this order. */
export function listItemPageFlaws(body: JsonObject, items: readonly JsonObject[], hasMore: boolean): readonly Flaw[] {
  const data = objectsOf(body["data"]);
  return [
    ...listShapeFlaws(body, itemListSchema),
    ...must(data.length === items.length, `${items.length} items`, data.length),
    ...listPageFlaws(body, hasMore),
    ...items.flatMap((sent, index) => listItemFlaws(data[index] ?? {}, sent)),
  ];
}
