/** The last items of a session: those that its client can retrieve and delete. */

import type { RealtimeError, RealtimeItem } from "./realtime-session.ts";

const ITEMS_MAX = 100;

export interface SessionItems {
  /** Gives up the oldest one where there are too many. */
  add(itemId: string): RealtimeItem;
  /** Of an item that was deleted or given up, nothing. */
  complete(itemId: string, transcript: string): void;
  find(itemId: string): RealtimeItem | null;
  /** @returns whether there was such an item */
  delete(itemId: string): boolean;
}

export function createSessionItems(): SessionItems {
  const items = new Map<string, RealtimeItem>();
  return {
    add(id) {
      const item = { id, transcript: null };
      items.set(id, item);
      const [oldest] = items.keys();
      if (items.size > ITEMS_MAX && oldest !== undefined) items.delete(oldest);
      return item;
    },
    complete(id, transcript) {
      if (items.has(id)) items.set(id, { id, transcript });
    },
    find: (id) => items.get(id) ?? null,
    delete: (id) => items.delete(id),
  };
}

export function itemNotFound(itemId: string): RealtimeError {
  const message = `Item with item_id '${itemId.slice(0, 200)}' not found: this session keeps its last ${ITEMS_MAX} items.`;
  return { code: "item_not_found", message, param: "item_id" };
}
