/** Items that are added to a conversation, as they are stored. */

import { AiError } from "@openai-compat/core";
import type { ResponseStore, StoredItem } from "@openai-compat/core";
import type { InputItem } from "@openai-compat/spec";
import { encodeItems } from "../responses/encode-items.ts";
import { resolveReferences } from "../responses/resolve-state.ts";

/**
 * A reference stands for the item that it names.
 *
 * @throws AiError `not_found` for an item that is referred to; `invalid_value` for two items with one id
 */
export async function decodeItems(
  store: ResponseStore,
  accountId: string,
  items: readonly InputItem[],
): Promise<readonly StoredItem[]> {
  const placed = items.map((item, index) => ({ item, param: `items[${index}]` }));
  const resolved = await resolveReferences(store, accountId, placed);
  const seen = new Set<unknown>();
  for (const { item, param } of resolved) {
    const id = item.id ?? "";
    if (id === "") continue;
    if (seen.has(id)) {
      const message = `Invalid '${param}.id': another item of this request has the same id.`;
      throw new AiError("invalid_value", message, { param: `${param}.id` });
    }
    seen.add(id);
  }
  return encodeItems(resolved.map(({ item }) => item));
}
