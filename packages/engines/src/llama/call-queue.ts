/** A queue whose items are taken round-robin across calls, FIFO within one. */

export interface CallQueue<Item> {
  add(call: object | string, item: Item): void;
  /** Removing one that is not there changes nothing. */
  remove(call: object | string, item: Item): void;
  /** Removes and returns the next one; undefined where there is none. */
  take(): Item | undefined;
  readonly isEmpty: boolean;
}

export function createCallQueue<Item>(): CallQueue<Item> {
  /** By call, least recently served first. */
  const waiting = new Map<object | string, Set<Item>>();

  function remove(call: object | string, item: Item): void {
    const items = waiting.get(call);
    items?.delete(item);
    if (items?.size === 0) waiting.delete(call);
  }

  return {
    add(call, item) {
      const items = waiting.get(call) ?? new Set();
      waiting.set(call, items.add(item));
    },
    remove,
    take() {
      for (const [call, items] of waiting) {
        for (const item of items) {
          remove(call, item);
          // Moves the call to the end of the queue.
          if (waiting.delete(call)) waiting.set(call, items);
          return item;
        }
      }
      return undefined;
    },
    get isEmpty() {
      return waiting.size === 0;
    },
  };
}
