/**
 * Prints large answers as JSON item by item, so that no answer stops the event loop: `JSON.stringify` takes its time in
 * one go.
 */

import type { WorkSlices } from "@openai-compat/core";

/** Of an answer that was printed here. */
export const JSON_HEADERS = { "content-type": "application/json" };

/** @param print one item's JSON text. @throws what `slices` throws */
export async function printList<Item>(
  items: readonly Item[],
  print: (item: Item) => string | Promise<string>,
  slices: WorkSlices,
): Promise<string> {
  const texts: string[] = [];
  for (const item of items) {
    if (slices.isOver) await slices.next();
    const text = print(item);
    texts.push(typeof text === "string" ? text : await text);
  }
  return `[${texts.join(",")}]`;
}

/** @param members some of an object's. @param printed JSON texts of the others, by name. */
export function printObject(members: object, printed: Readonly<Record<string, string>>): string {
  const own = JSON.stringify(members).slice(1, -1);
  const others = Object.entries(printed).map(([name, text]) => `${JSON.stringify(name)}:${text}`);
  return `{${[...(own === "" ? [] : [own]), ...others].join(",")}}`;
}
